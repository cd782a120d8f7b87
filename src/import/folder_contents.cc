#include "folder_contents.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <vector>

#include "byte_reader.h"
#include "json_field.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWanted = "expected model.safetensors or pytorch_model.bin in the folder, ";
constexpr const char* kMerge =
    "merge it into its base first (peft: merge_and_unload(), save_pretrained())";

// Names of what lies in a folder, sorted; a hostile one has at most so many looked at.
std::vector<std::string> names_in(const fs::path& folder, bool folders) {
  constexpr int kMost = 10'000;
  std::vector<std::string> names;
  std::error_code error;
  int looked_at = 0;
  for (fs::directory_iterator at(folder, error), end; !error && at != end && looked_at < kMost;
       at.increment(error), ++looked_at) {
    std::error_code ignored;
    if (at->is_directory(ignored) == folders) names.push_back(at->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kMost); ++i)
    text += (i == 0 ? "" : ", ") + quote(names[i]);
  return names.size() > kMost ? text + " and " + std::to_string(names.size() - kMost) + " more"
                              : text;
}

std::optional<std::string> adapter_in(const fs::path& folder) {
  for (const char* name : {"adapter_config.json", "adapter_model.safetensors", "adapter_model.bin",
                           "pytorch_adapter.bin"}) {
    std::error_code ignored;
    if (fs::is_regular_file(folder / name, ignored)) return name;
  }
  return std::nullopt;
}

// What a file that is no checkpoint of PyTorch's is; empty: nothing known.
std::string other_format(const std::string& name) {
  const struct {
    const char *end, *what;
  } formats[] = {
      {".h5", "TensorFlow's weights"},
      {".ckpt.index", "a checkpoint of TensorFlow 1"},
      {".msgpack", "Flax's weights"},
      {".onnx", "an ONNX export"},
      {".gguf", "a GGUF file"},
      {".ot", "rust-bert's weights"},
      {"zero_to_fp32.py", "DeepSpeed's shards"},
      {".tflite", "a TensorFlow Lite model"},
      {".mlmodel", "a Core ML model"},
      {"openvino_model.xml", "an OpenVINO export"},
  };
  for (const auto& [end, what] : formats) {
    if (name.ends_with(end)) return what;
  }
  return "";
}

bool is_checkpoint(const std::string& name) {
  for (const char* end : {".safetensors", ".bin", ".pt", ".pth", ".th", ".ckpt"}) {
    if (name.ends_with(end) && name != "training_args.bin" && name != "optimizer.bin" &&
        name != "optimizer.pt" && name != "scheduler.pt")
      return true;
  }
  return false;
}

void refuse_cache(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder / "snapshots", ignored)) return;
  const auto snapshots = names_in(folder / "snapshots", true);
  throw Error(folder.string() + ": is a folder of the Hugging Face cache: give the model's own, " +
              (snapshots.empty() ? "but 'snapshots' is empty"
                                 : quote("snapshots/" + snapshots.back()) + " in it"));
}

}  // namespace

void refuse_without_weights(const std::string& path) {
  const fs::path folder = path;
  if (const auto adapter = adapter_in(folder))
    throw Error(path + ": holds an adapter without its base (" + *adapter + "): " + kMerge);
  refuse_cache(folder);
  const std::vector<std::string> files = names_in(folder, false);
  for (const std::string& file : files) {
    if (file.find("-00001-of-") != std::string::npos)
      throw Error(path + ": the weights are split into several files (" + file +
                  "), expected their index too: model.safetensors.index.json or "
                  "pytorch_model.bin.index.json");
  }
  std::vector<std::string> checkpoints;
  std::copy_if(files.begin(), files.end(), std::back_inserter(checkpoints), is_checkpoint);
  if (!checkpoints.empty())
    throw Error(path + ": " + kWanted + "found " + listed(checkpoints) +
                ": give the file that you mean");
  std::vector<std::string> others = files;
  for (const std::string& file : names_in(folder / "onnx", false)) others.push_back("onnx/" + file);
  for (const std::string& file : others) {
    if (const std::string what = other_format(file); !what.empty())
      throw Error(path + ": " + kWanted + "found " + what + " (" + quote(file) +
                  "), which is not read: save the model from PyTorch");
  }
  std::vector<std::string> below = names_in(folder, true);
  std::erase_if(below, [&](const std::string& name) {
    std::error_code ignored;
    return !fs::is_regular_file(folder / name / "model.safetensors", ignored) &&
           !fs::is_regular_file(folder / name / "pytorch_model.bin", ignored);
  });
  if (!below.empty())
    throw Error(path + ": " + kWanted + "found them in " + listed(below) +
                ": give the folder that you mean");
  throw Error(path + ": " + kWanted + "found neither");
}

void refuse_shard(const std::string& file) {
  const std::string name = fs::path(file).filename().string();
  if (name.find("-of-") == std::string::npos) return;
  for (const char* index : {"model.safetensors.index.json", "pytorch_model.bin.index.json"}) {
    std::error_code ignored;
    if (fs::is_regular_file(fs::path(file).parent_path() / index, ignored))
      throw Error(file + ": is one of several files of weights: give their folder, or " + index);
  }
}

std::vector<std::string> parts_left_out(const std::string& path) {
  const fs::path folder = path;
  std::vector<std::string> notes;
  std::error_code ignored;
  for (const char* name : {"model_head.pkl", "model_head.joblib"}) {
    if (fs::is_regular_file(folder / name, ignored))
      notes.push_back(std::string(name) + ", SetFit's head, is left out: `train --head` fits one");
  }
  const fs::path modules = folder / "modules.json";
  if (!fs::is_regular_file(modules, ignored)) return notes;
  for (const JsonField& module : JsonField::read_file(modules.string()).items()) {
    if (!module.has("type")) continue;
    const std::string type = module.at("type").string();
    const std::string name = type.substr(type.rfind('.') + 1);
    if (name == "Transformer" || name == "Pooling" || name == "Normalize") continue;
    notes.push_back(printable_line("modules.json: a " + name +
                                   " behind the encoder is left out: `train --head` fits a head"));
  }
  return notes;
}

void refuse_adapter_beside(const std::string& path) {
  const fs::path folder = path;
  if (const auto adapter = adapter_in(folder))
    throw Error((folder / *adapter).string() + ": is an adapter beside a network: " + kMerge +
                ", or take it away");
}

}  // namespace sidenet
