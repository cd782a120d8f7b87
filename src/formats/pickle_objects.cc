#include "pickle_machine.h"
#include "pickle_opcodes.h"

namespace sidenet::pickle {

bool Machine::container_opcode(std::uint8_t opcode) {
  switch (opcode) {
    case kEmptyTuple: push(new_sequence(Sequence::Kind::tuple, {})); return true;
    case kEmptyList: push(new_sequence(Sequence::Kind::list, {})); return true;
    case kEmptySet: push(new_sequence(Sequence::Kind::set, {})); return true;
    case kEmptyDict: push(new_dict()); return true;
    case kTuple: push_marked(Sequence::Kind::tuple); return true;
    case kTuple1: push_tuple(1); return true;
    case kTuple2: push_tuple(2); return true;
    case kTuple3: push_tuple(3); return true;
    case kList: push_marked(Sequence::Kind::list); return true;
    case kFrozenSet: push_marked(Sequence::Kind::set); return true;
    case kDict: {
      Dict* dict = new_dict();
      set_items(dict, marked());
      drop_marked();
      push(dict);
      return true;
    }
    case kAppend: {
      const Value item = pop();
      extend(top(), Sequence::Kind::list, {&item, 1});
      return true;
    }
    case kAppends:
      extend(below_mark(), Sequence::Kind::list, marked());
      drop_marked();
      return true;
    case kAddItems:
      extend(below_mark(), Sequence::Kind::set, marked());
      drop_marked();
      return true;
    case kSetItem: {
      const Value value = pop();
      const Value pair[] = {pop(), value};
      set_items(top(), pair);
      return true;
    }
    case kSetItems:
      set_items(below_mark(), marked());
      drop_marked();
      return true;
    default: return false;
  }
}

bool Machine::object_opcode(std::uint8_t opcode) {
  switch (opcode) {
    case kGlobal: {
      const std::string_view module = reader_.take_line();
      push_global(module, reader_.take_line());
      return true;
    }
    case kStackGlobal: {
      const Value name = pop();
      const Value module = pop();
      if (text_of(name).empty() || text_of(module).empty())
        fail("expected the names of a module and of a member");
      push_global(text_of(module), text_of(name));
      return true;
    }
    case kReduce: {
      const Value arguments = pop();
      const Value callee = pop();
      call(callee, arguments, Call::function);
      return true;
    }
    case kNewObj: {
      const Value arguments = pop();
      const Value type = pop();
      call(type, arguments, Call::construct);
      return true;
    }
    case kNewObjEx: {
      pop();  // keyword arguments
      const Value arguments = pop();
      const Value type = pop();
      call(type, arguments, Call::construct);
      return true;
    }
    case kInst: {
      const std::string_view module = reader_.take_line();
      const std::string_view name = reader_.take_line();
      push_marked(Sequence::Kind::tuple);
      const Value arguments = pop();
      push_global(module, name);
      const Value callee = pop();
      call(callee, arguments, Call::function);
      return true;
    }
    case kObj: {
      const auto items = marked();
      if (items.empty()) fail("expected a class behind the mark");
      const Value callee = items.front();
      const Value arguments = new_sequence(Sequence::Kind::tuple, items.subspan(1));
      drop_marked();
      call(callee, arguments, Call::function);
      return true;
    }
    case kBuild: build(pop()); return true;
    case kBinPersId: {
      const Value id = pop();
      push(&document_.persistent_ids_.emplace_back(PersistentId{id}));
      return true;
    }
    default: return false;
  }
}

Sequence* Machine::new_sequence(Sequence::Kind kind, std::span<const Value> items) {
  return &document_.sequences_.emplace_back(
      Sequence{kind, Values(items.begin(), items.end(), memory_)});
}

void Machine::push_marked(Sequence::Kind kind) {
  Sequence* sequence = new_sequence(kind, marked());
  drop_marked();
  push(sequence);
}

void Machine::push_tuple(std::size_t count) {
  Value items[3];
  for (std::size_t i = count; i-- > 0;) items[i] = pop();
  push(new_sequence(Sequence::Kind::tuple, std::span(items, count)));
}

void Machine::push_global(std::string_view module, std::string_view name) {
  push(&document_.globals_.emplace_back(Global{module, name}));
}

Dict* Machine::new_dict() {
  return &document_.dicts_.emplace_back(Dict{decltype(Dict::items)(memory_)});
}

// Python would call append() or add() on whatever stands there; the items of other objects are not
// kept.
void Machine::extend(const Value& target, Sequence::Kind kind, std::span<const Value> items) {
  auto* const* sequence = std::get_if<Sequence*>(&target);
  if (sequence != nullptr && (*sequence)->kind == kind) {
    (*sequence)->items.insert((*sequence)->items.end(), items.begin(), items.end());
  } else if (!std::holds_alternative<Instance*>(target)) {
    fail((kind == Sequence::Kind::set ? "expected a set to add to, got "
                                      : "expected a list to append to, got ") +
         describe(target));
  }
}

void Machine::set_items(const Value& target, std::span<const Value> items) {
  if (items.size() % 2 != 0)
    fail("expected pairs of key and value, got " + std::to_string(items.size()) + " objects");
  Dict* dict = nullptr;
  if (auto* const* held = std::get_if<Dict*>(&target)) {
    dict = *held;
  } else if (auto* const* instance = std::get_if<Instance*>(&target)) {
    if ((*instance)->items == nullptr) (*instance)->items = new_dict();
    dict = (*instance)->items;
  } else {
    fail("expected a dict to store into, got " + describe(target));
  }
  for (std::size_t i = 0; i < items.size(); i += 2)
    dict->items.emplace_back(items[i], items[i + 1]);
}

// PyTorch's legacy files wrap a module's class in a persistent id that carries its source:
// ('module', class, file, text).
const Global* Machine::callee_of(const Value& value) const {
  if (const auto* global = std::get_if<const Global*>(&value)) return *global;
  if (const auto* id = std::get_if<const PersistentId*>(&value)) {
    const auto* fields = items_of((*id)->id);
    if (fields != nullptr && fields->size() >= 2 && text_of(fields->front()) == "module") {
      if (const auto* global = std::get_if<const Global*>(&(*fields)[1])) return *global;
    }
  }
  fail("expected a class or function to call, got " + describe(value));
}

void Machine::require_inert(const Global& callee, Call kind) const {
  if (may_stand_inert(callee, kind)) return;
  fail("refused: the pickle calls " + quote(callee.full()) +
       ", which no weights need (nothing was executed)");
}

void Machine::call(const Value& callee, const Value& arguments, Call kind) {
  const Global* type = callee_of(callee);
  require_inert(*type, kind);
  // Protocols below 2 make objects by a function of the class: _reconstructor(class, base, state).
  if (type->module == "copyreg" || type->module == "copy_reg") {
    const auto* items = items_of(arguments);
    if (items == nullptr || items->empty())
      fail("expected a class in the arguments of " + quote(type->full()));
    type = callee_of(items->front());
    require_inert(*type, Call::construct);
  }
  if (makes_dict(*type)) {
    push(make_dict(arguments));
  } else if (makes_set(*type)) {
    push(make_set(arguments));
  } else {
    push(&document_.instances_.emplace_back(Instance{type, arguments, {}, nullptr}));
  }
}

// OrderedDict([[key, value], …]) is how Python 2 pickled one; Counter({…}). Other arguments
// (defaultdict's factory) tell nothing about the items.
Value Machine::make_dict(const Value& arguments) {
  Dict* dict = new_dict();
  const auto* items = items_of(arguments);
  if (items == nullptr || items->empty()) return dict;
  if (const Dict* copied = dict_of(items->front())) {
    dict->items = copied->items;
  } else if (const auto* pairs = items_of(items->front())) {
    for (const Value& pair : *pairs) {
      const auto* fields = items_of(pair);
      if (fields == nullptr || fields->size() != 2)
        fail("expected pairs of key and value, got " + describe(pair));
      dict->items.emplace_back((*fields)[0], (*fields)[1]);
    }
  }
  return dict;
}

Value Machine::make_set(const Value& arguments) {
  const auto* items = items_of(arguments);
  const auto* members = items == nullptr || items->empty() ? nullptr : items_of(items->front());
  return new_sequence(Sequence::Kind::set, members == nullptr ? std::span<const Value>()
                                                              : std::span<const Value>(*members));
}

void Machine::build(const Value& state) {
  Value& target = top();
  if (auto* instance = std::get_if<Instance*>(&target)) {
    (*instance)->state = state;
  } else if (!std::holds_alternative<Dict*>(
                 target)) {  // an OrderedDict's attributes (_metadata) are not needed
    fail("expected an object to give a state to, got " + describe(target));
  }
}

}  // namespace sidenet::pickle
