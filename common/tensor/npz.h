// NumPy's .npz: a zip archive of .npy arrays, stored without compression, for people who explore a
// model in Python.
//
// The .npy headers are of version 1.0 (numpy.lib.format); the zip follows PKWARE's APPNOTE 6.3.3
// without zip64, so an archive ends below 4 GiB: beyond that, use safetensors.
#pragma once

#include <span>

#include "base/file.h"
#include "tensor/tensor_view.h"

namespace fed::tensor {

// Writes the archive from the file's start and cuts off what was behind; array NAME is the member
// NAME.npy. ErrorCode::too_large at 4 GiB or 65,535 arrays, invalid for a repeated or empty name,
// unsupported for bf16, which NumPy does not have, mismatch for data that does not fit its shape.
Status write_npz(const File& file, std::span<const TensorView> tensors);

}  // namespace fed::tensor
