#include "pytorch_legacy.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory_resource>
#include <string_view>

#include "byte_reader.h"
#include "pickle.h"
#include "sidenet/error.h"
#include "state_dict.h"
#include "torch_tensor.h"

namespace sidenet {
namespace {

// 0x1950a86a20f9469cfc6c
constexpr std::string_view kMagic("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10);
constexpr std::string_view kMagicDecimal = "119547037146038801333356";
constexpr std::int64_t kProtocolVersion = 1001;

bool is_magic(const pickle::Value& value) {
  const auto* integer = std::get_if<const pickle::BigInteger*>(&value);
  return integer != nullptr && (*integer)->digits == ((*integer)->decimal ? kMagicDecimal : kMagic);
}

// Keys view the pickles.
using References = std::pmr::map<std::string_view, StorageReference>;
using Storages = std::pmr::map<std::string_view, StorageBytes>;

// Bytes of an element of every storage that the pickle refers to, also of those that hold no
// weights: the storages lie one behind the other, so all sizes are needed to find one.
References referenced_storages(const pickle::Document& document, ReadBudget& budget,
                               const std::string& name) {
  References storages(&budget);
  const std::string where = name + ": storage";
  for (const pickle::PersistentId& id : document.persistent_ids()) {
    const auto* fields = pickle::items_of(id.id);
    if (fields != nullptr && !fields->empty() && pickle::text_of(fields->front()) == "module")
      continue;
    const StorageReference reference = storage_reference(&id, where);
    const auto [found, added] = storages.emplace(reference.key, reference);
    if (!added && (found->second.elements != reference.elements ||
                   found->second.element_bytes() != reference.element_bytes())) {
      throw Error(name + ": storage " + quote(reference.key) +
                  " is described with two sizes: " + std::to_string(found->second.elements) +
                  " elements of " + std::to_string(found->second.element_bytes()) +
                  " bytes, then " + std::to_string(reference.elements) + " of " +
                  std::to_string(reference.element_bytes()));
    }
  }
  return storages;
}

Storages locate_storages(ByteReader& reader, const pickle::Value& keys,
                         const References& referenced, ReadBudget& budget,
                         const std::shared_ptr<const Storage>& owner) {
  const auto* list = pickle::items_of(keys);
  if (list == nullptr)
    reader.fail("expected the list of storage keys, got " + pickle::describe(keys));
  Storages storages(&budget);
  for (const pickle::Value& item : *list) {
    const std::string_view key = pickle::text_of(item);
    const auto reference = referenced.find(key);
    if (reference == referenced.end())
      reader.fail("expected the key of a storage that the pickle names, got " + quote(key) +
                  ", which belongs to no tensor");
    const std::size_t at = reader.offset();
    const auto elements = reader.little_endian<std::uint64_t>();
    if (elements != reference->second.elements) {
      reader.fail_at(at, "storage " + quote(key) + ": expected " +
                             std::to_string(reference->second.elements) + " elements, got " +
                             std::to_string(elements));
    }
    const std::size_t element_bytes = reference->second.element_bytes();
    if (elements > reader.remaining() / element_bytes) {
      reader.fail_at(at, "truncated: storage " + quote(key) + ": expected " +
                             std::to_string(elements) + " elements of " +
                             std::to_string(element_bytes) + " bytes, got " +
                             std::to_string(reader.remaining()) + " bytes");
    }
    const auto bytes = reader.take(elements * element_bytes);
    if (!storages.emplace(key, StorageBytes{bytes, owner}).second)
      reader.fail_at(at, "storage " + quote(key) + " occurs twice");
  }
  return storages;
}

}  // namespace

bool is_pytorch_legacy(std::span<const std::byte> bytes) {
  // The magic number lies within the first few opcodes, whatever the protocol (PROTO, FRAME,
  // LONG1).
  const std::string_view start(reinterpret_cast<const char*>(bytes.data()),
                               std::min<std::size_t>(bytes.size(), 32));
  if (start.starts_with('L')) return start.substr(1).starts_with(kMagicDecimal);
  return start.starts_with('\x80') && start.find(kMagic) != std::string_view::npos;
}

Checkpoint read_pytorch_legacy(std::span<const std::byte> bytes,
                               std::shared_ptr<const Storage> keep_alive, const std::string& name) {
  const auto budget = std::make_shared<ReadBudget>(bytes.size());
  const pickle::Document magic = pickle::parse(bytes, 0, name, budget);
  if (!is_magic(magic.root()))
    throw Error(name + ": byte 0: expected PyTorch's magic number, got " +
                pickle::describe(magic.root()));
  const pickle::Document version = pickle::parse(bytes, magic.end(), name, budget);
  const auto* number = std::get_if<std::int64_t>(&version.root());
  if (number == nullptr || *number != kProtocolVersion) {
    throw Error(name + ": byte " + std::to_string(magic.end()) +
                ": PyTorch protocol version: expected 1001, got " +
                (number == nullptr ? pickle::describe(version.root()) : std::to_string(*number)));
  }
  const pickle::Document system = pickle::parse(bytes, version.end(), name, budget);
  const pickle::Document document = pickle::parse(bytes, system.end(), name, budget);
  const pickle::Document keys = pickle::parse(bytes, document.end(), name, budget);

  ByteReader reader(bytes, name, keys.end());
  const auto storages = locate_storages(
      reader, keys.root(), referenced_storages(document, *budget, name), *budget, keep_alive);
  const auto lookup = [&](std::string_view key, const std::string& where) {
    const auto found = storages.find(key);
    if (found == storages.end()) throw Error(where + ": storage " + quote(key) + " is missing");
    return found->second;
  };
  TorchTensorBuilder builder(lookup, *budget);
  Checkpoint checkpoint = checkpoint_of(document.root(), builder, *budget, name);
  checkpoint.format = "pytorch-legacy";
  return checkpoint;
}

}  // namespace sidenet
