#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>
#include <vector>

#include "atomic_file.h"
#include "byte_reader.h"
#include "checked.h"
#include "safetensors.h"
#include "safetensors_header.h"
#include "safetensors_types.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

using Item = std::pair<const std::string, Tensor>;

std::string json_string(const std::string& text, const std::string& path) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::exception&) {
    throw Error(path + ": expected UTF-8, got " + quote(text));
  }
}

std::vector<const Item*> in_file_order(const std::map<std::string, Tensor>& tensors) {
  std::vector<const Item*> order;
  for (const Item& item : tensors) order.push_back(&item);
  std::stable_sort(order.begin(), order.end(), [](const Item* a, const Item* b) {
    return dtype_size(a->second.dtype()) > dtype_size(b->second.dtype());
  });
  return order;
}

std::string header_of(const std::vector<const Item*>& order,
                      const std::map<std::string, std::string>& metadata, const std::string& path) {
  std::string header = "{";
  if (!metadata.empty()) {
    header += "\"__metadata__\":{";
    for (const auto& [key, value] : metadata) {
      header += (header.back() == '{' ? "" : ",") + json_string(key, path) + ":" +
                json_string(value, path);
    }
    header += "}";
  }
  std::uint64_t offset = 0;
  for (const Item* item : order) {
    const auto& [name, tensor] = *item;
    if (name == "__metadata__") throw Error(path + ": a tensor cannot be called \"__metadata__\"");
    const std::uint64_t end = checked_add(offset, tensor.bytes(), "safetensors file");
    std::string shape;
    for (const std::int64_t extent : tensor.shape())
      shape += (shape.empty() ? "" : ",") + std::to_string(extent);
    header += (header.size() == 1 ? "" : ",") + json_string(name, path) + ":{\"dtype\":\"" +
              safetensors_type_name(tensor.dtype()) + "\",\"shape\":[" + shape +
              "],\"data_offsets\":[" + std::to_string(offset) + "," + std::to_string(end) + "]}";
    offset = end;
  }
  header += "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  if (header.size() > kMaxSafetensorsHeader) {
    throw Error(path + ": header: expected at most 100000000 bytes, got " +
                std::to_string(header.size()));
  }
  return header;
}

}  // namespace

void write_safetensors(const std::string& path, const std::map<std::string, Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const auto order = in_file_order(tensors);
  const std::string header = header_of(order, metadata, path);
  parse_safetensors_header(header, path);  // refuses what could not be read again
  std::string size(8, '\0');
  for (std::size_t i = 0; i < size.size(); ++i) size[i] = static_cast<char>(header.size() >> 8 * i);

  AtomicFile file(path);
  file.write(size);
  file.write(header);
  for (const Item* item : order) file.write({item->second.raw(), item->second.bytes()});
  file.commit();
}

}  // namespace sidenet
