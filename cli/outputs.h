#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sidenet/model.h"

namespace sidenet::tools {

/// What a command will write, and how messages call it: {"-o", "r.html"}. An empty path is none.
struct Output {
  std::string what, path;
};

/// What a command reads. Nothing of it is looked at before check_outputs() needs to know.
class Inputs {
 public:
  /// A file. An empty path is none.
  Inputs& file(const std::string& what, const std::string& path);
  /// Labelled data, as Dataset::open() takes it: one file, some, or a folder of them.
  Inputs& data(const std::string& what, const std::string& spec);
  /// The same without labels. An empty one is none.
  Inputs& unlabelled(const std::string& what, const std::string& spec);
  /// The pictures, or texts, of a folder.
  Inputs& folder(const std::string& what, const std::string& folder, bool of_texts);
  /// A checkpoint, with what import reads beside it.
  Inputs& checkpoint(const std::string& path, const ImportOptions& options);
  /// Folders in which the command keeps files of its own.
  Inputs& feature_cache(const std::string& folder);
  Inputs& weight_cache(const std::string& folder);

 private:
  friend void check_outputs(const std::vector<Output>& outputs, const Inputs& inputs);
  struct Files {
    std::string what;
    std::function<std::vector<std::string>()> list;
  };
  struct Folder {
    std::string what;
    std::function<bool(const std::string& path)> holds;
  };
  std::vector<Files> files_;
  std::vector<Folder> folders_;
};

/// Throws Error, before any work is spent, where an output could not be written (a missing folder,
/// no permission, a folder or a device in its place), where it is one of the inputs, and where two
/// outputs, or an output and standard output, are one file. Files are compared by what they are:
/// neither spelling nor links matter.
void check_outputs(const std::vector<Output>& outputs, const Inputs& inputs);

}  // namespace sidenet::tools
