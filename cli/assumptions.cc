#include "assumptions.h"

#include <algorithm>
#include <sstream>

#include "table.h"
#include "text.h"

namespace sidenet::tools {
namespace {

// Logits tell of the network, not of what pictures and numbers of classes mean.
bool is_of_network(const Assumption& assumption) {
  for (const char* other : {"resize", "crop", "mean", "std", "channels", "labels", "lower case",
                            "strip accents", "most tokens"}) {
    if (assumption.what == other) return false;
  }
  return assumption.source == AssumptionSource::default_value;
}

// False of an encoder whose head was fitted here.
bool has_own_head(const Model& model) {
  return model.has_head() && model.exits().back().hidden == 0;
}

}  // namespace

void print_assumptions(std::ostream& out, const Model& model) {
  Table table({{"taken for granted"}, {"value"}, {"source"}});
  for (const Assumption& each : model.assumptions())
    table.add({each.what, shorten_end(printable(each.value), 60), name_of(each.source)});
  table.print(out);
  if (const auto& checked = model.checked()) {
    std::ostringstream difference;
    difference.precision(1);
    difference << std::scientific << checked->difference;
    out << "compared with PyTorch's logits on " << grouped(checked->rows)
        << (checked->rows == 1 ? " row" : " rows") << ": at most " << difference.str()
        << " of the largest apart\n";
  } else if (has_own_head(model)) {
    out << "never compared with PyTorch's logits: `sidenet import --check` does it\n";
  }
}

Json assumptions_json(const Model& model) {
  Json list = Json::array();
  for (const Assumption& each : model.assumptions())
    list.push_back({{"what", each.what}, {"value", each.value}, {"source", name_of(each.source)}});
  return list;
}

Json checked_json(const Model& model) {
  if (!model.checked()) return nullptr;
  return {{"rows", model.checked()->rows}, {"difference", model.checked()->difference}};
}

std::string check_note(const Model& model) {
  if (model.checked() || !has_own_head(model)) return "";
  const auto& all = model.assumptions();
  const auto count = std::count_if(all.begin(), all.end(), is_of_network);
  if (count == 0) return "";
  return "note: never compared with PyTorch: the import took " + std::to_string(count) +
         " things for granted (`sidenet inspect` lists them, `sidenet import --check` compares)";
}

}  // namespace sidenet::tools
