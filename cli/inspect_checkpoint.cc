#include <cstdint>
#include <iostream>

#include "inspect.h"
#include "table.h"
#include "text.h"

namespace sidenet::tools {

void print_tensors(std::ostream& out, const std::map<std::string, Tensor>& tensors) {
  Table table({{"tensor"}, {"type"}, {"shape"}, {"bytes", true}});
  std::int64_t elements = 0, bytes = 0;
  for (const auto& [name, tensor] : tensors) {
    table.add({name, dtype_name(tensor.dtype()), to_string(tensor.shape()),
               grouped(static_cast<std::int64_t>(tensor.bytes()))});
    elements += tensor.size();
    bytes += static_cast<std::int64_t>(tensor.bytes());
  }
  table.print(out);
  out << '\n'
      << grouped(static_cast<std::int64_t>(tensors.size())) << " tensors, " << grouped(elements)
      << " numbers, " << grouped(bytes) << " bytes\n";
}

Json tensors_json(const std::map<std::string, Tensor>& tensors) {
  Json list = Json::array();
  for (const auto& [name, tensor] : tensors) {
    list.push_back({{"name", name},
                    {"dtype", dtype_name(tensor.dtype())},
                    {"shape", tensor.shape()},
                    {"bytes", tensor.bytes()}});
  }
  return list;
}

void inspect_checkpoint(const Checkpoint& checkpoint, const InspectOptions& options) {
  if (options.json) {
    print_json({{"file", options.file},
                {"kind", "checkpoint"},
                {"format", checkpoint.format},
                {"metadata", checkpoint.metadata},
                {"tensors", tensors_json(checkpoint.tensors)}});
    return;
  }
  std::cout << printable(options.file) << ": " << checkpoint.format << " checkpoint\n";
  for (const auto& [key, value] : checkpoint.metadata) {
    constexpr std::size_t shown = 60;
    std::cout << printable(key) << ": " << shorten_end(printable(value), shown)
              << (value.size() > shown ? "…" : "") << '\n';
  }
  std::cout << '\n';
  print_tensors(std::cout, checkpoint.tensors);
}

}  // namespace sidenet::tools
