#include "pytorch_zip.h"

#include <bit>
#include <map>
#include <memory_resource>
#include <string_view>

#include "byte_reader.h"
#include "pickle.h"
#include "sidenet/error.h"
#include "state_dict.h"
#include "torch_tensor.h"
#include "zip_archive.h"

namespace sidenet {
namespace {

static_assert(std::endian::native == std::endian::little,
              "tensors are views of little-endian files");

// "archive/" for an archive with the entry archive/data.pkl.
std::string find_root(const ZipArchive& archive, const std::string& name) {
  constexpr std::string_view kPickle = "data.pkl";
  std::string root;
  bool found = false;
  for (const ZipRecord& record : archive.records()) {
    if (!record.name.ends_with(kPickle)) continue;
    const std::string_view folder = record.name.substr(0, record.name.size() - kPickle.size());
    if (!folder.empty() && folder.find('/') != folder.size() - 1) continue;
    if (found)
      throw Error(name + ": expected one entry data.pkl, got " + quote(root + "data.pkl") +
                  " and " + quote(record.name));
    root = folder;
    found = true;
  }
  if (!found)
    throw Error(
        name + ": expected the entry ROOT/data.pkl of a PyTorch checkpoint, got a zip archive of " +
        std::to_string(archive.records().size()) + " entries without data.pkl");
  return root;
}

void check_byte_order(ZipArchive& archive, const std::string& root, const std::string& name) {
  if (!archive.contains(root + "byteorder")) return;
  const auto bytes = archive.read(root + "byteorder", name).bytes;
  const std::string_view order(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (order != "little")
    throw Error(name + ": zip entry " + quote(root + "byteorder") +
                ": expected byteorder \"little\", got " + quote(order));
}

}  // namespace

Checkpoint read_pytorch_zip(std::span<const std::byte> bytes,
                            std::shared_ptr<const Storage> keep_alive, const std::string& name) {
  const auto budget = std::make_shared<ReadBudget>(bytes.size());
  ZipArchive archive(bytes, std::move(keep_alive), name, budget);
  const std::string root = find_root(archive, name);
  if (archive.contains(root + "constants.pkl")) {
    throw Error(name +
                ": expected a checkpoint, got a TorchScript archive: save model.state_dict() with "
                "torch.save instead");
  }
  check_byte_order(archive, root, name);
  const StorageBytes pickled = archive.read(root + "data.pkl", name);
  const pickle::Document document = pickle::parse(pickled.bytes, 0, name + ": data.pkl", budget);

  // Many tensors may share a storage, and its entry's name may be 64 kB long: it is looked for
  // once.
  std::pmr::map<std::string_view, StorageBytes> storages(budget.get());
  const auto lookup = [&](std::string_view key, const std::string& where) {
    const auto found = storages.find(key);
    if (found != storages.end()) return found->second;
    return storages.emplace(key, archive.read(root + "data/" + std::string(key), where))
        .first->second;
  };
  TorchTensorBuilder builder(lookup, *budget);
  Checkpoint checkpoint = checkpoint_of(document.root(), builder, *budget, name);
  checkpoint.format = "pytorch-zip";
  return checkpoint;
}

}  // namespace sidenet
