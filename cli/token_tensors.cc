#include "token_tensors.h"

#include <limits>
#include <vector>

#include "sidenet/error.h"
#include "sidenet/npy.h"
#include "sidenet/tensor.h"

namespace sidenet::tools {
namespace {

struct Integers {
  std::int64_t rows = 0, columns = 0;
  std::vector<std::int32_t> values;
};

template <typename T>
void copy(const Tensor& tensor, const std::string& path, std::vector<std::int32_t>& values) {
  const T* from = tensor.data<T>();
  for (std::int64_t i = 0; i < tensor.size(); ++i) {
    const auto value = static_cast<std::int64_t>(from[i]);
    if (value < std::numeric_limits<std::int32_t>::min() ||
        value > std::numeric_limits<std::int32_t>::max())
      throw Error(path + ": element " + std::to_string(i) + ": expected 32 bits, got " +
                  std::to_string(value));
    values.push_back(static_cast<std::int32_t>(value));
  }
}

Integers read_integers(const std::string& path) {
  const Tensor tensor = read_npy(path);
  if (tensor.rank() != 2)
    throw Error(path + ": expected (rows, tokens), got " + to_string(tensor.shape()));
  Integers result{tensor.dim(0), tensor.dim(1), {}};
  switch (tensor.dtype()) {
    case DType::i64: copy<std::int64_t>(tensor, path, result.values); break;
    case DType::i32: copy<std::int32_t>(tensor, path, result.values); break;
    case DType::i16: copy<std::int16_t>(tensor, path, result.values); break;
    case DType::i8: copy<std::int8_t>(tensor, path, result.values); break;
    case DType::u8: copy<std::uint8_t>(tensor, path, result.values); break;
    case DType::boolean:
      for (std::size_t i = 0; i < tensor.bytes(); ++i)
        result.values.push_back(tensor.raw()[i] == std::byte{0} ? 0 : 1);
      break;
    default: throw Error(path + ": expected integers, got " + dtype_name(tensor.dtype()));
  }
  return result;
}

Integers read_beside(const std::string& path, const Integers& ids, const std::string& ids_path,
                     std::int32_t otherwise) {
  if (path.empty())
    return {ids.rows, ids.columns, std::vector<std::int32_t>(ids.values.size(), otherwise)};
  Integers result = read_integers(path);
  if (result.rows != ids.rows || result.columns != ids.columns) {
    throw Error(path + ": expected " + to_string({ids.rows, ids.columns}) + " as in " + ids_path +
                ", got " + to_string({result.rows, result.columns}));
  }
  return result;
}

}  // namespace

TokenRows read_token_rows(const std::string& ids_path, const std::string& mask_path,
                          const std::string& types_path) {
  const Integers ids = read_integers(ids_path);
  const Integers mask = read_beside(mask_path, ids, ids_path, 1),
                 types = read_beside(types_path, ids, ids_path, 0);
  TokenRows texts;
  for (std::int64_t row = 0; row < ids.rows; ++row) {
    for (std::int64_t column = 0; column < ids.columns; ++column) {
      const auto i = static_cast<std::size_t>(row * ids.columns + column);
      const std::int32_t m = mask.values[i];
      if (m != 0 && m != 1) {
        throw Error(mask_path + ": row " + std::to_string(row) + ", column " +
                    std::to_string(column) + ": expected 0 or 1, got " + std::to_string(m));
      }
      if (m == 0 && column == 0)
        throw Error(mask_path + ": row " + std::to_string(row) +
                    ": expected 1 at its first token, got 0");
      if (m == 0) continue;
      texts.ids.push_back(ids.values[i]);
      texts.positions.push_back(static_cast<std::int32_t>(column));
      texts.types.push_back(types.values[i]);
    }
    texts.offsets.push_back(texts.tokens());
  }
  return texts;
}

}  // namespace sidenet::tools
