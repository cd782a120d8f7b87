#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "architecture.h"

namespace sidenet {
class JsonField;
}

namespace sidenet::models {

/// What clean_names() took off a checkpoint's names.
struct CleanedNames {
  std::string prefix;                 ///< a wrapper's path, "model."; empty: none
  std::vector<std::string> left_out;  ///< tensors that did not stand under it
  Settings settings;                  ///< what the names tell beyond the weights
};

/// A family of networks: all that is known of it. Each stands in a file of its own; families.cc
/// lists them.
class Family {
 public:
  virtual ~Family() = default;

  /// "resnet".
  virtual std::string name() const = 0;
  /// As messages call one of them: "a ResNet".
  virtual std::string title() const = 0;
  /// Tensors that each of them has. What stands before the last one is a wrapper's path.
  virtual std::vector<std::string> landmarks() const = 0;
  /// Whether a user who asks for `asked` means the architecture of that name: the same name, or
  /// the family's.
  virtual bool is_called(const std::string& asked, const std::string& architecture) const;
  /// Else images.
  virtual bool takes_texts() const { return false; }

  /// Gives a checkpoint's tensors the one form of names that recognise() and build() know. Nothing,
  /// with nothing changed, where they are of another family. Throws Error where two tensors get one
  /// name, a network looks like this family and is another, or there are several. `file` is named
  /// in messages.
  virtual std::optional<CleanedNames> clean_names(std::map<std::string, Tensor>& tensors,
                                                  const std::string& file) const;
  /// Whether a tensor of that name is a part of such a network: left out, it would change answers.
  virtual bool owns(const std::string& tensor) const = 0;

  /// Whether such a tensor, which no network of the family uses, is known to change no answer: a
  /// head of pre-training, say.
  virtual bool is_harmless(const std::string& tensor) const;
  /// `name`, by which a network goes in its checkpoint or config.json, where it is known to be
  /// another than the one that was recognised ("resnest50"). Empty: nothing is known.
  virtual std::string other_network(const std::string& name, const Architecture& recognised) const;
  /// What an argument of a network tells, whose weights lie in a file beside it: "gp" that is "max"
  /// tells of the pooling in front of the head. `argument` "name": how the network is called.
  virtual Settings settings_told(const std::string& argument, const std::string& value) const;
  /// What a user can set that no tensor tells, and the name that Settings and config.json have for
  /// it.
  virtual std::map<std::string, std::string> settings() const;

  /// What config.json tells beyond the weights and the settings that are `given`. Throws Error
  /// where it does not fit them, or asks for what the family does not do.
  virtual Settings read_config(const JsonField& config, const Weights& weights,
                               const Settings& given) const;
  /// Nothing where the weights are of another family. Throws Error where they look like this one
  /// and something is missing or wrong.
  virtual std::optional<Architecture> recognise(const Weights& weights,
                                                const Settings& settings) const = 0;
  /// Throws Error where a recognised checkpoint, read with or without a config.json, is none that
  /// answers here as it should.
  virtual void check_checkpoint(const Architecture& architecture, const std::string& file,
                                bool has_config) const;
  /// The MainNet, for rows of `input_shape`; its head is the exit kFinalExit, unless it is
  /// headless. Throws Error where a weight is missing, a shape is wrong or the input does not fit.
  virtual Graph build(const Architecture& architecture, const Weights& weights,
                      const Shape& input_shape) const = 0;
};

/// Where a network stands in a checkpoint.
struct FoundNetwork {
  std::string prefix;              ///< what stands before its anchor, "model."
  std::vector<std::string> twins;  ///< other prefixes of the same tensors' bytes; a few at most
  bool is_in_twin(const std::string& tensor) const;
};

/// The network that has the tensor `anchor`; nothing where there is none. Throws Error, listing
/// them, where several have one.
std::optional<FoundNetwork> find_network(const std::map<std::string, Tensor>& tensors,
                                         const std::string& anchor, const std::string& file);

/// Of a network's prefix "model.backbone." and "model.head.fc.weight" the latter's part behind
/// "model.": its name where the network stands.
std::string name_beside(const std::string& prefix, const std::string& name);

}  // namespace sidenet::models
