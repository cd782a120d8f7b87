#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "architecture.h"
#include "confidence_map.h"
#include "sidenet.h"
#include "sidenet/model.h"
#include "sidenet/tokenizer.h"

namespace sidenet {

class Graph;
class PlanCache;
struct ModelInfos;

/// An exit as the model file keeps it. Its tensors are those of ops::SideNet.
struct ExitSpec {
  std::string name, tap;
  ops::ExitPooling pooling;
  int hidden = 0;
  double temperature = 1;
  double threshold = 2;
  ConfidenceMap map{};  ///< of the largest probability after the temperature
};

/// Everything that a model file holds. Immutable once a Model owns it.
struct ModelData {
  std::string source;  ///< the file, for messages
  models::Architecture architecture;
  std::map<std::string, Tensor> weights;  ///< MainNet and exits, by PyTorch name
  std::vector<std::string> labels;
  std::vector<std::string> data_labels;  ///< Model::data_labels()
  Preprocessing preprocessing;
  std::optional<Tokenizer> tokenizer;  ///< of texts, where a vocabulary came with the checkpoint
  std::vector<ExitSpec> exits;         ///< in graph order, without `final`
  std::optional<ExitSpec>
      head;  ///< of an encoder without its own: `final`, in a SideNet's form, fitted by training
  double final_temperature = 1;  ///< of MainNet's own head
  ConfidenceMap final_map;       ///< of MainNet's own head
  std::optional<Certificate> certificate;
  /// Of the file that it was loaded from; empty: none, or not what was loaded.
  std::string saved_digest;
  std::vector<std::string> notes;  ///< from import, for the user
  std::vector<Assumption> assumptions;
  std::optional<ReferenceCheck> checked;

  // What make_model() makes of the rest.
  std::shared_ptr<const Graph> mainnet;  ///< for default_input_shape(): no exits, nothing fused
  std::shared_ptr<const Graph> graph;    ///< the same with its exits, as executed
  std::shared_ptr<PlanCache> plans;      ///< shared by the Sessions of this model
  std::shared_ptr<ModelInfos> infos;     ///< what Model tells of it

  int classes() const { return static_cast<int>(labels.size()); }
  bool is_text() const { return architecture.is_text(); }
  /// Of `final`, whichever head it is.
  double temperature_of_final() const { return head ? head->temperature : final_temperature; }
  const ConfidenceMap& map_of_final() const { return head ? head->map : final_map; }
  bool has_final() const { return architecture.classes > 0 || head.has_value(); }
};

/// What only the library itself may do with a Model.
struct ModelAccess {
  static const ModelData& data(const Model& model) { return *model.data_; }
  static Model make(std::shared_ptr<const ModelData> data) { return Model(std::move(data)); }
};
/// The parts behind the handle, which keeps them alive.
inline const ModelData& data_of(const Model& model) { return ModelAccess::data(model); }

/// Gives a text model its tokenizer. Throws Error where the vocabulary has more pieces than the
/// embedding has words, or rows of max_tokens have no positions.
void set_tokenizer(ModelData& data, Tokenizer tokenizer);

/// Of everything that answers and promises depend on: weights, SideNets, calibration, thresholds,
/// labels, preprocessing, the rows of training, the certificate but for its own digest. 32
/// hexadecimal digits.
std::string answers_digest(const ModelData& data);

/// A Model of `data`: checks the exits against the graph, sorts them into its order, and sets up
/// the plan cache. Throws Error where a tap is unknown, an exit's tensor is missing or a shape
/// disagrees, and for whatever load() would refuse of what save() wrote.
Model make_model(ModelData data);

/// The same where MainNet's graph has been built of `data`: build_mainnet_graph()'s for
/// default_input_shape().
Model make_model(ModelData data, Graph mainnet);

/// The same for what load() has read.
Model loaded_model(ModelData data, std::string saved_digest);

/// Throws Error, as load() would, where a file of this could not be loaded. Weights are left out.
void check_loads_again(const ModelData& data);

}  // namespace sidenet
