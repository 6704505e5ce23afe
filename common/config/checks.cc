#include "config/checks.h"

#include <algorithm>
#include <set>

#include "config/document.h"
#include "config/suggest.h"

namespace fed::config {
namespace {

using Scaling = InputsSpec::Scaling;

std::string quote(const std::string& text) { return Json(text).dump(); }
std::string number(double value) { return Json(value).dump(); }
std::string has_items(std::size_t count) {
  return "has " + std::to_string(count) + (count == 1 ? " item" : " items") + "; allowed: ";
}

class JobChecker {
 public:
  JobChecker(const JobSpec& job, const Examined& file) : job_(job), file_(file) {}

  Problems run() && {
    const bool model = whole({"model", "inputs"});
    if (model) check_model();
    if (model && whole({"training"})) check_training();
    if (whole({"rounds"})) check_rounds();
    if (model && whole({"evaluation"})) check_evaluation();
    if (job_.inputs) check_inputs(*job_.inputs);
    check_privacy(job_, file_, problems_);
    check_sums(job_, file_, problems_);
    if (job_.text.size() > file_bytes_max) {
      report("", "has more than " + std::to_string(file_bytes_max) + " bytes with its defaults");
    }
    return std::move(problems_);
  }

 private:
  bool whole(std::initializer_list<const char*> sections) const {
    return std::all_of(sections.begin(), sections.end(),
                       [this](const char* section) { return file_.whole(section); });
  }

  void report(std::string pointer, std::string message) {
    problems_.push_back({std::move(pointer), std::move(message)});
  }

  void check_model() {
    const ModelSpec& model = job_.model;
    if (model.inputs == 0) {
      report("/model/inputs",
             "is missing; needed: a whole number from 1 to 10000000, or the section \"inputs\"");
    } else if (job_.inputs && model.inputs != encoded_width(*job_.inputs)) {
      const auto width = std::to_string(encoded_width(*job_.inputs));
      report("/model/inputs", "is " + std::to_string(model.inputs) + "; allowed: " + width +
                                  ", which is what \"inputs\" encodes to");
    }
    if (model.outputs == 0)
      return report("/model/outputs", "is missing; needed: the number of classes");
    const bool many = model.loss == "cross_entropy";
    if (many == (model.outputs > 1)) return check_classes();
    report("/model/outputs", "is " + std::to_string(model.outputs) +
                                 "; allowed: " + (many ? "at least 2" : "1") +
                                 " when \"loss\" is " + quote(model.loss));
  }

  // Classes that the label needs: 0 for a number.
  std::size_t classes() const {
    if (job_.model.loss == "squared_error") return 0;
    if (job_.model.loss == "binary_cross_entropy") return 2;
    return static_cast<std::size_t>(job_.model.outputs);
  }

  void check_classes() {
    if (!job_.inputs || job_.inputs->classes.size() == classes()) return;
    const std::string is = has_items(job_.inputs->classes.size());
    if (classes() == 0) {
      return report(
          "/inputs/label/classes",
          is + "none when the model's loss is \"squared_error\", which predicts a number");
    }
    report("/inputs/label/classes", is + std::to_string(classes()) + ", as the model tells apart");
  }

  void check_training() {
    const std::size_t weights = job_.training.class_weights.size();
    if (weights == 0 || job_.model.outputs == 0 || weights == classes()) return;
    const std::string is = has_items(weights);
    report("/training/class_weights",
           is + (classes() == 0 ? "none when the model predicts a number"
                                : std::to_string(classes()) + ", one for each class, or none"));
  }

  void check_rounds() {
    const RoundsSpec& rounds = job_.rounds;
    const bool asynchronous = rounds.staleness.max > 0;
    const bool by_arrival = asynchronous && rounds.order == RoundsSpec::Order::arrival;
    if (rounds.contributions_goal > rounds.cohort && !by_arrival) {
      report("/rounds/contributions/goal", "is " + std::to_string(rounds.contributions_goal) +
                                               "; allowed: at most \"cohort\", which is " +
                                               std::to_string(rounds.cohort));
    }
    if (rounds.contributions_min > rounds.contributions_goal) {
      report("/rounds/contributions/min", "is " + std::to_string(rounds.contributions_min) +
                                              "; allowed: at most \"goal\", which is " +
                                              std::to_string(rounds.contributions_goal));
    }
    if (rounds.seconds_min > rounds.seconds_max) {
      report("/rounds/seconds/min", "is " + number(rounds.seconds_min) +
                                        "; allowed: at most \"max\", which is " +
                                        number(rounds.seconds_max));
    }
    if (!asynchronous && rounds.order == RoundsSpec::Order::seeded) {
      report("/rounds/order",
             "is \"seeded\"; allowed: \"arrival\" while \"staleness.max\" is 0, since the order "
             "of a synchronous round does not matter");
    }
  }

  void check_evaluation() {
    const EvaluationSpec& evaluation = job_.evaluation;
    if (evaluation.every == 0 && evaluation.target) {
      report("/evaluation/target", "is never compared, since \"every\" is 0; allowed: none");
    }
    if (evaluation.every == 0 && evaluation.patience > 0) {
      report("/evaluation/patience", "never ends, since \"every\" is 0; allowed: 0");
    }
    check_metric();
    if (evaluation.target) check_target(*evaluation.target);
    if (evaluation.data) check_test_data(*evaluation.data);
  }

  void check_metric() {
    const std::string& metric = job_.evaluation.metric;
    if (metric == "loss" || job_.model.outputs == 0) return;
    const bool is_regression = metric == "rmse" || metric == "mae" || metric == "r2";
    if (is_regression != (classes() == 0)) {
      const char* fitting = is_regression ? "\"accuracy\", \"auc\" or \"loss\" for classes"
                                          : "\"rmse\", \"mae\", \"r2\" or \"loss\" for a number";
      report("/evaluation/metric", "is " + quote(metric) + "; allowed: " + fitting);
    } else if (metric == "auc" && classes() != 2) {
      report("/evaluation/metric",
             "is \"auc\", which needs 2 classes; allowed: \"accuracy\" or \"loss\"");
    }
  }

  void check_target(double target) {
    const std::string& metric = job_.evaluation.metric;
    const bool is_share = metric == "accuracy" || metric == "auc";
    const std::string is = "is " + number(target) + "; allowed: a number ";
    const std::string when = " when \"metric\" is " + quote(metric);
    if (is_share && (target < 0 || target > 1))
      report("/evaluation/target", is + "from 0 to 1" + when);
    if (metric == "r2" && target > 1) report("/evaluation/target", is + "at most 1" + when);
    if (!is_share && metric != "r2" && target < 0) {
      report("/evaluation/target", is + "at least 0" + when);
    }
  }

  void check_test_data(const DataSpec& data) {
    check_data(data, "/evaluation/data", problems_);
    if (data.format == DataSpec::Format::csv && data.label.empty()) {
      return report("/evaluation/data/label", "is missing; needed: the name of the label's column");
    }
    if (!job_.inputs) return;
    if (data.format == DataSpec::Format::idx) {
      return report("/evaluation/data/format",
                    "is \"idx\"; allowed: \"csv\", since \"inputs\" names columns");
    }
    if (data.label != job_.inputs->label) {
      report("/evaluation/data/label", "is " + quote(data.label) + "; allowed: " +
                                           quote(job_.inputs->label) + ", the label of \"inputs\"");
    }
    check_column_names(data);
  }

  // A name that the job does not have is a slip: its own column would not be found.
  void check_column_names(const DataSpec& data) {
    std::vector<std::string> names{job_.inputs->label};
    for (const ColumnSpec& column : job_.inputs->columns) names.push_back(column.name);
    const std::set<std::string> known(names.begin(), names.end());
    for (const auto& [name, in_file] : data.columns) {
      if (known.count(name) > 0) continue;
      const auto meant = nearest(name, names);
      report(step("/evaluation/data/columns", name),
             "is no column of \"inputs\"" + (meant ? "; did you mean " + quote(*meant) + "?" : ""));
    }
  }

  void check_inputs(const InputsSpec& inputs) {
    std::set<std::string> names;
    for (std::size_t i = 0; i < inputs.columns.size(); ++i) {
      const ColumnSpec& column = inputs.columns[i];
      const std::string pointer = "/inputs/columns/" + std::to_string(i);
      if (!names.insert(column.name).second) {
        report(pointer + "/name", "is " + quote(column.name) + ", as of an earlier column");
      }
      check_distinct(column.values, pointer + "/values");
      if (column.type == ColumnSpec::Type::number) check_constants(column, pointer);
    }
    if (names.count(inputs.label) > 0) {
      report("/inputs/label/name", "is " + quote(inputs.label) + ", which is also a column");
    }
    check_distinct(inputs.classes, "/inputs/label/classes");
  }

  void check_distinct(const std::vector<std::string>& values, const std::string& pointer) {
    std::set<std::string> seen;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (seen.insert(values[i]).second) continue;
      report(pointer + "/" + std::to_string(i), "is " + quote(values[i]) + ", as an earlier item");
    }
  }

  void check_constants(const ColumnSpec& column, const std::string& pointer) {
    const bool wanted = job_.inputs->scaling == Scaling::constants;
    const auto check = [&](const char* key, bool given) {
      if (given == wanted) return;
      report(step(pointer, key), wanted ? "is missing; needed when \"scaling\" is \"constants\""
                                        : "is not allowed unless \"scaling\" is \"constants\"");
    };
    check("mean", column.mean.has_value());
    check("deviation", column.deviation.has_value());
  }

  const JobSpec& job_;
  const Examined& file_;
  Problems problems_;
};

}  // namespace

Problems check_job(const JobSpec& job, const Examined& file) { return JobChecker(job, file).run(); }

void check_data(const DataSpec& data, const std::string& pointer, Problems& problems) {
  std::set<std::string> features, in_file;
  for (std::size_t i = 0; i < data.features.size(); ++i) {
    const std::string& name = data.features[i];
    const std::string at = pointer + "/features/" + std::to_string(i);
    if (!features.insert(name).second) {
      problems.push_back({at, "is " + quote(name) + ", as an earlier item"});
    }
    if (name == data.label) problems.push_back({at, "is " + quote(name) + ", which is the label"});
  }
  for (const auto& [name, column] : data.columns) {
    if (in_file.insert(column).second) continue;
    problems.push_back({step(pointer + "/columns", name),
                        "is " + quote(column) + ", which another name stands for already"});
  }
}

}  // namespace fed::config
