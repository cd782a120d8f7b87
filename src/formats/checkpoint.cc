#include "sidenet/checkpoint.h"

#include <cstring>
#include <new>
#include <string_view>

#include "byte_reader.h"
#include "mapped_file.h"
#include "pytorch_legacy.h"
#include "pytorch_zip.h"
#include "read_budget.h"
#include "safetensors.h"
#include "sharded_checkpoint.h"
#include "sidenet/error.h"
#include "state_dict.h"

namespace sidenet {
namespace {

// Formats that are met where a checkpoint was meant, by their first bytes.
constexpr struct {
  std::size_t offset;
  std::string_view bytes;
  const char* advice;
} kOthers[] = {
    {0, "version https://git-lfs", "a Git LFS pointer: fetch the file itself (git lfs pull)"},
    {0, "\x1f\x8b", "a gzip file: unpack it first"},
    {0, "BZh", "a bzip2 file: unpack it first"},
    {0, "\x89HDF", "an HDF5 file, which is not read"},
    {0, "GGUF", "a GGUF file, which is not read"},
    {0, "\x93NUMPY", "a single NumPy array, not a checkpoint"},
    {0, "<!DOCTYPE", "a web page: the download did not give the file"},
    {0, "<!doctype", "a web page: the download did not give the file"},
    {4, "TFL3", "a TensorFlow Lite model, which is not read"},
    {0, "<html", "a web page: the download did not give the file"},
    {257, "ustar",
     "a tar archive (PyTorch's own before 0.2 is not read): load it there and save its "
     "state_dict() again"},
};

// A protobuf whose first field is a version and the second the exporter's name or the like.
bool is_onnx(std::string_view text, const std::string& name) {
  const bool has_version = text.size() > 3 && text[0] == '\x08' && text[1] > 0 && text[1] < 32;
  return name.ends_with(".onnx") || (has_version && (text[2] == '\x12' || text[2] == '\x3a'));
}

[[noreturn]] void fail_unknown(std::string_view text, const std::string& name) {
  for (const auto& other : kOthers) {
    if (text.size() > other.offset && text.substr(other.offset).starts_with(other.bytes)) {
      throw Error(name + ": expected a PyTorch or safetensors checkpoint, got " + other.advice);
    }
  }
  if (text.empty())
    throw Error(name + ": expected a PyTorch or safetensors checkpoint, got an empty file");
  if (is_onnx(text, name))
    throw Error(name +
                ": expected a PyTorch or safetensors checkpoint, got an ONNX export, which is not "
                "read: save the model's state_dict() from PyTorch");
  throw Error(name +
              ": expected a PyTorch (zip or legacy) or safetensors checkpoint, got a file that "
              "begins with " +
              quote(text.substr(0, 8)));
}

Checkpoint read_by_format(std::span<const std::byte> bytes,
                          std::shared_ptr<const Storage> keep_alive, const std::string& name) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with("PK\x03\x04")) return read_pytorch_zip(bytes, std::move(keep_alive), name);
  if (is_pytorch_legacy(bytes)) return read_pytorch_legacy(bytes, std::move(keep_alive), name);
  if (is_safetensors(bytes)) {
    Safetensors file = read_safetensors(bytes, std::move(keep_alive), name);
    return {std::move(file.tensors), std::move(file.metadata), {}, "safetensors"};
  }
  fail_unknown(text, name);
}

// With the names as they are in the file.
Checkpoint read_whole(std::span<const std::byte> bytes, std::shared_ptr<const Storage> keep_alive,
                      const std::string& name) {
  try {
    return read_by_format(bytes, std::move(keep_alive), name);
  } catch (const OverBudget& error) {  // a container of the readers does not know the file
    const std::string message = error.what();
    throw Error(message.starts_with(printable_line(name)) ? message
                                                          : name + ": reading it takes " + message);
  } catch (const std::bad_alloc&) {
    throw Error(name + ": out of memory while reading the checkpoint");
  }
}

}  // namespace

Checkpoint read_checkpoint(const std::string& path) {
  if (is_checkpoint_index(path)) {
    Checkpoint checkpoint = read_sharded(path, [](const std::string& shard) {
      const auto file = MappedFile::open(shard);
      return read_whole(file->bytes(), file, shard);
    });
    strip_common_prefixes(checkpoint.tensors);
    return checkpoint;
  }
  const auto file = MappedFile::open(path);
  return read_checkpoint(file->bytes(), file, path);
}

Checkpoint read_checkpoint(std::span<const std::byte> bytes,
                           std::shared_ptr<const Storage> keep_alive, const std::string& name) {
  Checkpoint checkpoint = read_whole(bytes, std::move(keep_alive), name);
  strip_common_prefixes(checkpoint.tensors);
  return checkpoint;
}

}  // namespace sidenet
