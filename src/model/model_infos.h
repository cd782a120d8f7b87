#pragma once

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "model_data.h"

namespace sidenet {

/// A value that is made when it is first asked for, once; any number of threads may ask.
template <typename T>
class Lazy {
 public:
  template <typename Make>
  const T& get(Make make) {
    std::call_once(once_, [&] { value_ = make(); });
    return value_;
  }

 private:
  std::once_flag once_;
  T value_{};
};

/// What a Model tells of its network, kept.
struct ModelInfos {
  Lazy<std::vector<ExitInfo>> exits;
  Lazy<std::vector<std::pair<std::string, double>>> taps;
  Lazy<std::vector<NodeInfo>> nodes;
};

/// Model::exits(), taps() and nodes().
std::vector<ExitInfo> describe_exits(const ModelData& data);
std::vector<std::pair<std::string, double>> describe_taps(const Graph& mainnet);
std::vector<NodeInfo> describe_nodes(const Graph& executed);

}  // namespace sidenet
