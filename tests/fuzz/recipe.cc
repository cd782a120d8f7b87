#include "recipe.h"

#include <cstdlib>
#include <utility>

#include "../malformed/formats_builders.h"

namespace sidenet::fuzz {
namespace {

constexpr std::int64_t kMaxElements = 1 << 17;

// -1 where it is no list of extents, or too large.
std::int64_t read_shape(std::string_view text, Shape& shape) {
  std::int64_t elements = 1;
  while (!text.empty()) {
    const std::string_view digits = take_until(text, ',');
    std::int64_t extent = 0;
    if (digits.empty() || digits.size() > 12 || shape.size() == 8) return -1;
    for (const char digit : digits) {
      if (digit < '0' || digit > '9') return -1;
      extent = 10 * extent + (digit - '0');
    }
    shape.push_back(extent);
    if (extent != 0 && elements > kMaxElements / extent) return -1;
    elements *= extent;
  }
  return elements;
}

DType dtype_of(std::string_view name) {
  for (const DType dtype : {DType::f64, DType::f16, DType::bf16, DType::i64, DType::u8}) {
    if (name == dtype_name(dtype)) return dtype;
  }
  return DType::f32;
}

const char* safetensors_name(DType dtype) {
  switch (dtype) {
    case DType::f64: return "F64";
    case DType::f16: return "F16";
    case DType::bf16: return "BF16";
    case DType::i64: return "I64";
    case DType::u8: return "U8";
    default: return "F32";
  }
}

// From -0.5 to 0.5; what must be above 0 (running_var, std) is. Other types than float32 stay 0.
void fill(Tensor& tensor, std::string_view name) {
  if (tensor.dtype() != DType::f32) return;
  std::uint32_t state = 1;
  for (const char c : name) state = state * 31 + static_cast<unsigned char>(c);
  const float lowest = name.ends_with("var") || name.ends_with("std") ? 0.5f : -0.5f;
  for (std::int64_t i = 0; i < tensor.size(); ++i) {
    state = state * 1664525u + 1013904223u;
    tensor.mutable_data<float>()[i] = lowest + static_cast<float>(state >> 8) / 16777216.0f;
  }
}

std::string json_string(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    char escape[8];
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      std::snprintf(escape, sizeof escape, "\\u%04x", c);
      result += escape;
    } else {
      result += c;
    }
  }
  return result + '"';
}

std::string numbered(std::string_view line, std::size_t number) {
  std::string result;
  for (const char c : line) c == '#' ? result += std::to_string(number) : result += c;
  return result;
}

struct Reader {
  Recipe recipe;

  void read(std::string_view line, bool repeated = false) {
    if (++lines > kMostLines) return;
    std::string_view rest = line;
    const std::string_view kind = take_until(rest, ' ');
    std::string word(take_until(rest, ' '));
    if (kind == "m" && fits(rest.size())) recipe.metadata[word] = rest;
    if (kind == "a" && fits(rest.size())) recipe.metadata[word] += rest;
    if (kind == "t") add(word, rest);
    const std::size_t count = std::strtoul(word.c_str(), nullptr, 10);
    if (kind == "p" && count <= kMostText && fits(count * rest.size())) {
      prefix.clear();
      for (std::size_t i = 0; i < count; ++i) prefix += rest;
    }
    if (kind == "r" && !repeated) {
      for (std::size_t i = 0; i < count && lines <= kMostLines; ++i) read(numbered(rest, i), true);
    }
  }

 private:
  static constexpr std::size_t kMostLines = 1 << 14, kMostText = std::size_t{4} << 20;

  bool fits(std::size_t bytes) {
    if (bytes > text_left) return false;
    text_left -= bytes;
    return true;
  }

  void add(const std::string& word, std::string_view rest) {
    Shape shape;
    const std::int64_t elements = read_shape(take_until(rest, ' '), shape);
    if (elements < 0 || elements > left || !fits(prefix.size() + word.size())) return;
    left -= elements;
    Tensor tensor(dtype_of(rest), shape);
    fill(tensor, word);
    recipe.tensors.insert_or_assign(prefix + word, std::move(tensor));
  }

  std::string prefix;
  std::size_t lines = 0, text_left = kMostText;
  std::int64_t left = kMaxElements;
};

}  // namespace

Recipe read_recipe(std::string_view lines) {
  Reader reader;
  while (!lines.empty()) reader.read(take_until(lines, '\n'));
  return std::move(reader.recipe);
}

std::string file_of(const Recipe& recipe) {
  std::string header = "{\"__metadata__\":{", data;
  const char* separator = "";
  for (const auto& [key, value] : recipe.metadata) {
    header += separator + json_string(key) + ":" + json_string(value);
    separator = ",";
  }
  header += "}";
  for (const auto& [name, tensor] : recipe.tensors) {
    header += "," + json_string(name) + ":{\"dtype\":\"" + safetensors_name(tensor.dtype()) +
              "\",\"shape\":[";
    separator = "";
    for (const std::int64_t extent : tensor.shape()) {
      header += separator + std::to_string(extent);
      separator = ",";
    }
    const std::size_t begin = data.size();
    data.append(reinterpret_cast<const char*>(tensor.raw()), tensor.bytes());
    header +=
        "],\"data_offsets\":[" + std::to_string(begin) + "," + std::to_string(data.size()) + "]}";
  }
  header += "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');  // so that tensors are views
  return testing::safetensors(header, data);
}

}  // namespace sidenet::fuzz
