#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "graph.h"
#include "sidenet/assumption.h"
#include "sidenet/model.h"
#include "weights.h"

namespace sidenet::models {

class Family;

/// What the weights do not tell, by its name in config.json.
using Settings = std::map<std::string, std::string>;

/// Which network a state dict is.
struct Architecture {
  const Family* family = nullptr;  ///< never null of one that was recognised
  std::string name;                ///< "resnet50", "cifar_resnet56", "bert-base", …
  int classes = 0;                 ///< 0: headless
  Shape input_shape;  ///< one row at the family's usual size, (C, H, W); a text: (kTokens)
  Preprocessing preprocessing;          ///< of images: the family's default
  Settings settings;                    ///< those that were given
  std::vector<Assumption> assumptions;  ///< what build() takes for granted; `config`: of settings
  int vocabulary = 0;                   ///< of texts: words of the embedding
  int max_tokens = 0;                   ///< of texts: positions of the embedding
  int token_types = 0;                  ///< of texts: 0 or 1: no pairs told apart

  bool is_text() const { return is_per_token(input_shape); }
};

/// Recognises a network by the names and shapes of its weights, and `settings` for what these do
/// not tell. Throws Error where it is none that is known, or not the `expected` one (empty: any);
/// the message says what was looked for.
Architecture recognise(const Weights& weights, const std::string& expected,
                       const Settings& settings = {});

/// Family::build() of the architecture's family.
Graph build_graph(const Architecture& architecture, const Weights& weights,
                  const Shape& input_shape);

/// How often this process has called build_graph(). A model's is built once.
std::int64_t graphs_built();

/// Of images as torchvision prepares them: 256, then the middle 224 pixels; of one channel, the
/// average of the three.
Preprocessing imagenet_preprocessing(int channels);

}  // namespace sidenet::models
