#include <string_view>
#include <utility>

#include "digest.h"
#include "model_data.h"
#include "model_metadata.h"
#include "named_errors.h"
#include "safetensors.h"
#include "sidenet/checkpoint.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

constexpr std::string_view kDigestVersion =
    "2:";  // another one where other things are digested: such is not compared

Model load_model(const std::string& path, Checkpoint file) {
  const auto version = file.metadata.find("sidenet.version");
  if (version == file.metadata.end()) {
    throw Error(path + ": expected a SideNet model, found a " + file.format +
                " checkpoint (make a model of it with `sidenet import`)");
  }
  if (version->second != kModelVersion)
    throw Error(path + ": metadata 'sidenet.version': expected " + kModelVersion + ", got " +
                version->second);
  std::string digest;
  if (const auto found = file.metadata.find("sidenet.digest"); found != file.metadata.end()) {
    if (found->second.starts_with(kDigestVersion))
      digest = found->second.substr(kDigestVersion.size());
  }
  ModelData data;
  data.source = path;
  data.weights = std::move(file.tensors);
  read_metadata(path, std::move(file.metadata), data);
  return loaded_model(std::move(data), std::move(digest));
}

ModelMetadata all_metadata(const ModelData& data) {
  ModelMetadata metadata = metadata_of(data);
  metadata.merge(provenance_of(data));
  if (data.certificate) metadata["sidenet.certificate"] = certificate_text(*data.certificate);
  return metadata;
}

}  // namespace

Model Model::load(const std::string& path) {
  return telling_memory(path, [&] { return load_model(path, read_checkpoint(path)); });
}

Model Model::load(std::span<const std::byte> bytes, const std::string& name,
                  std::shared_ptr<const Storage> keep_alive) {
  return telling_memory(
      name, [&] { return load_model(name, read_checkpoint(bytes, std::move(keep_alive), name)); });
}

void Model::save(const std::string& path) const {
  ModelMetadata metadata = all_metadata(*data_);
  metadata["sidenet.digest"] = std::string(kDigestVersion) + answers_digest(*data_);
  write_safetensors(path, data_->weights, metadata);
}

void check_loads_again(const ModelData& data) {
  ModelData again;
  again.source = data.source;
  again.weights = data.weights;
  read_metadata(data.source, all_metadata(data), again);
}

std::string answers_digest(const ModelData& data) {
  Digest digest;
  for (const auto& [key, value] : metadata_of(data)) digest.add(key).add(value);
  for (const auto& [name, tensor] : data.weights) {
    digest.add(name)
        .add(dtype_name(tensor.dtype()))
        .add(to_string(tensor.shape()))
        .add(std::span(tensor.raw(), tensor.bytes()));
  }
  if (data.certificate) {
    Certificate promise = *data.certificate;
    promise.digest.clear();
    digest.add(certificate_text(promise));
  }
  return digest.hex();
}

}  // namespace sidenet
