#include "pickle.h"

#include <algorithm>

#include "byte_reader.h"
#include "pickle_machine.h"

namespace sidenet::pickle {

const Value* Dict::find(std::string_view key) const {
  const auto found = std::find_if(items.rbegin(), items.rend(), [&](const auto& item) {
    const auto* text = std::get_if<const Text*>(&item.first);
    return text != nullptr && (*text)->view == key;
  });
  return found == items.rend() ? nullptr : &found->second;
}

std::string_view text_of(const Value& value) {
  const auto* text = std::get_if<const Text*>(&value);
  return text == nullptr ? std::string_view() : (*text)->view;
}

const Dict* dict_of(const Value& value) {
  if (const auto* dict = std::get_if<Dict*>(&value)) return *dict;
  if (const auto* instance = std::get_if<Instance*>(&value)) return (*instance)->items;
  return nullptr;
}

const Values* items_of(const Value& value) {
  const auto* sequence = std::get_if<Sequence*>(&value);
  return sequence == nullptr || (*sequence)->kind == Sequence::Kind::set ? nullptr
                                                                         : &(*sequence)->items;
}

std::string describe(const Value& value) {
  struct Describe {
    std::string operator()(std::monostate) const { return "None"; }
    std::string operator()(bool) const { return "a bool"; }
    std::string operator()(std::int64_t) const { return "an int"; }
    std::string operator()(double) const { return "a float"; }
    std::string operator()(const Text* text) const { return text->is_bytes ? "bytes" : "a str"; }
    std::string operator()(const BigInteger*) const { return "an int beyond 64 bits"; }
    std::string operator()(Sequence* sequence) const {
      constexpr const char* names[] = {"a list", "a tuple", "a set"};
      return names[static_cast<std::size_t>(sequence->kind)];
    }
    std::string operator()(Dict*) const { return "a dict"; }
    std::string operator()(const Global* global) const {
      return "the name " + quote(global->full());
    }
    std::string operator()(Instance* instance) const {
      return "an object of type " + quote(instance->type->full());
    }
    std::string operator()(const PersistentId*) const { return "a storage"; }
  };
  return std::visit(Describe(), value);
}

Document parse(std::span<const std::byte> bytes, std::size_t offset, const std::string& where,
               std::shared_ptr<ReadBudget> budget) {
  return Machine(bytes, offset, where, std::move(budget)).run();
}

Document parse(std::span<const std::byte> bytes, std::size_t offset, const std::string& where) {
  return parse(bytes, offset, where, std::make_shared<ReadBudget>(bytes.size()));
}

}  // namespace sidenet::pickle
