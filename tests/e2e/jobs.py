"""Job files for the tests. Each function gives a new dictionary that a test may change."""

import datasets


def _job(name, model, rounds, clients, **sections):
    return {'name': name, 'model': model, 'rounds': {'max': rounds, 'cohort': clients}, **sections}


def _steps(learning_rate, batch_size=16, **more):
    return {'batch_size': batch_size, 'optimizer': {'type': 'sgd', 'learning_rate': learning_rate}, **more}


def colours(name, rounds=5, clients=3, scaling='federated'):
    """Three classes from a table with a category, gaps and columns of different size."""
    return _job(name, {'type': 'softmax'}, rounds, clients, training=_steps(0.5),
                inputs={'columns': datasets.TABLE_COLUMNS, 'scaling': scaling,
                        'label': {'name': 'colour', 'classes': datasets.CLASSES}})


def lengths(name, rounds=8, clients=3):
    """A number from the same columns."""
    return _job(name, {'type': 'linear'}, rounds, clients, training=_steps(0.05),
                inputs={'columns': datasets.TABLE_COLUMNS, 'scaling': 'federated',
                        'label': {'name': 'length'}})


def plain(name, inputs, rounds=1, clients=3, learning_rate=0.05, update='delta'):
    """A linear model on a table of numbers, one step over all rows a round."""
    training = {'update': 'gradient'} if update == 'gradient' else _steps(learning_rate, batch_size=100000)
    return _job(name, {'type': 'linear', 'inputs': inputs}, rounds, clients, training=training)


def squares(name, side=8, classes=4, hidden=(16,), rounds=4, clients=3, seed=1):
    """Small images, a multi-layer perceptron."""
    return _job(name, {'type': 'mlp', 'inputs': side * side, 'hidden': list(hidden), 'outputs': classes,
                       'seed': seed},
                rounds, clients, training=_steps(0.1))
