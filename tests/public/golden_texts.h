#pragma once

#include <fstream>
#include <string>
#include <vector>

#include "golden_nets.h"
#include "sidenet/text.h"

// The text nets of tests/golden/bert.
namespace golden {

/// [[tokens, of these in the first text], …] as tokens: ids from the hash of `key`.
inline sidenet::TokenRows token_rows(const std::string& key, const Json& rows, int vocabulary) {
  sidenet::TokenRows result;
  std::int64_t tokens = 0;
  for (const Json& row : rows) tokens += row.at(0).get<std::int64_t>();
  for (const float id : uniform(key + "/ids", tokens, 0, static_cast<float>(vocabulary)))
    result.ids.push_back(static_cast<std::int32_t>(id));
  for (const Json& row : rows) {
    const auto length = row.at(0).get<std::int32_t>(), first_text = row.at(1).get<std::int32_t>();
    for (std::int32_t i = 0; i < length; ++i) {
      result.positions.push_back(i);
      result.types.push_back(i < first_text ? 0 : 1);
    }
    result.offsets.push_back(result.offsets.back() + length);
  }
  return result;
}

inline sidenet::TokenRows token_rows(const Json& index, const Json& golden_case) {
  const Json& config = index.at("nets").at(golden_case.at("net").get<std::string>()).at("config");
  return token_rows(golden_case.at("key"), golden_case.at("rows"),
                    config.at("vocab_size").get<int>());
}

/// Those rows, in that order.
inline sidenet::TokenRows pick_rows(const sidenet::TokenRows& from,
                                    const std::vector<std::int64_t>& order) {
  sidenet::TokenRows result;
  for (const std::int64_t row : order) {
    const auto append = [&](const std::vector<std::int32_t>& values,
                            std::vector<std::int32_t>& to) {
      const auto begin = values.begin() + from.offsets.at(static_cast<std::size_t>(row));
      to.insert(to.end(), begin, begin + from.length(row));
    };
    append(from.ids, result.ids);
    append(from.positions, result.positions);
    append(from.types, result.types);
    result.offsets.push_back(result.tokens());
  }
  return result;
}

/// Writes the net as a Hugging Face folder: config.json and model.safetensors.
inline void write_text_checkpoint(const Json& index, const std::string& net,
                                  const std::string& folder) {
  std::filesystem::create_directory(folder);
  write_checkpoint(index, net, folder + "/model.safetensors");
  std::ofstream config(folder + "/config.json");
  config << index.at("nets").at(net).at("config").dump(2);
  if (!config.flush()) throw sidenet::Error(folder + "/config.json: cannot be written");
}

}  // namespace golden
