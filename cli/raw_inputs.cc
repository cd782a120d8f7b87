#include "raw_inputs.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "sidenet/error.h"
#include "sidenet/npy.h"
#include "token_tensors.h"

namespace sidenet::tools {
namespace {

/// Files by input name; one without a name is the model's first input.
std::map<std::string, std::string> input_paths(const std::vector<std::string>& given,
                                               const std::vector<std::string>& names,
                                               const std::string& option) {
  std::map<std::string, std::string> paths;
  for (const std::string& text : given) {
    const InputFile file(text);
    const std::string name = file.named ? file.name : names.front();
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      std::string known;
      for (const std::string& n : names) known += (known.empty() ? "" : ", ") + n;
      throw Error(option + ": no input '" + name + "'; this model has " + known);
    }
    if (!paths.emplace(name, file.path).second)
      throw Error(option + ": '" + name + "' is given twice");
  }
  if (!paths.count(names.front()))
    throw Error(option + ": expected '" + names.front() + "' among the inputs");
  return paths;
}

Tensor read_images(const std::string& path) {
  const Tensor tensor = read_npy(path);
  const DType type = tensor.dtype();
  if (type != DType::f32 && type != DType::f64 && type != DType::f16) {
    throw Error(path + ": expected float32 numbers, got " + dtype_name(type));
  }
  if (tensor.rank() != 4)
    throw Error(path + ": expected (rows, channels, height, width), got " +
                to_string(tensor.shape()));
  return tensor.to_f32();
}

TokenRows read_texts(const std::map<std::string, std::string>& paths) {
  const auto file = [&](const char* name) {
    const auto found = paths.find(name);
    return found == paths.end() ? std::string() : found->second;
  };
  return read_token_rows(file("input_ids"), file("attention_mask"), file("token_type_ids"));
}

}  // namespace

InputFile::InputFile(const std::string& text) {
  std::error_code ignored;
  const auto equals = text.find('=');
  named = equals != std::string::npos && !std::filesystem::exists(text, ignored);
  if (named) name = text.substr(0, equals);
  path = named ? text.substr(equals + 1) : text;
}

RawInputs read_raw_inputs(const Model& model, const std::vector<std::string>& given,
                          const std::string& option) {
  const std::vector<std::string> names =
      model.is_text() ? std::vector<std::string>{"input_ids", "attention_mask", "token_type_ids"}
                      : std::vector<std::string>{"input"};
  const auto paths = input_paths(given, names, option);
  RawInputs inputs{{}, paths.at(names.front())};
  if (model.is_text()) {
    inputs.batch.tokens = read_texts(paths);
  } else {
    inputs.batch.inputs = read_images(paths.at("input"));
  }
  return inputs;
}

}  // namespace sidenet::tools
