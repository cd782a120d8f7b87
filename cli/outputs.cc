#include "outputs.h"

#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <utility>

#include "sidenet/dataset.h"
#include "sidenet/error.h"
#include "sidenet/files.h"

namespace sidenet::tools {
namespace {

struct Written {
  std::string what, path;
  FileIdentity identity;
  bool exists() const { return identity.name.empty(); }
};

std::string called(const std::string& what, const std::string& path) {
  return path.empty() ? what : what + " " + path;
}

/// A regular file that a standard stream is written to.
std::optional<FileIdentity> identity_of_stream(int descriptor) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return FileIdentity{status.st_dev, status.st_ino, ""};
}

void refuse_two_in_one(const Written& file, const std::string& other) {
  throw Error(file.path + ": expected one output a file, got two: " + other + " and " +
              called(file.what, file.path));
}

void check_against_streams(const std::vector<Written>& files) {
  for (const auto& [descriptor, name] :
       {std::pair(STDOUT_FILENO, "standard output"), {STDERR_FILENO, "standard error"}}) {
    const auto stream = identity_of_stream(descriptor);
    for (const Written& file : files) {
      if (stream && *stream == file.identity) refuse_two_in_one(file, name);
    }
  }
}

[[noreturn]] void refuse_input(const Written& file, const std::string& input) {
  throw Error(file.path + ": cannot be written: " + file.what + " would replace " + input +
              ", which is read; give it another name");
}

}  // namespace

Inputs& Inputs::file(const std::string& what, const std::string& path) {
  if (!path.empty()) files_.push_back({what, [path] { return std::vector<std::string>{path}; }});
  return *this;
}

Inputs& Inputs::data(const std::string& what, const std::string& spec) {
  files_.push_back({what, [spec] { return Dataset::files(spec); }});
  return *this;
}

Inputs& Inputs::unlabelled(const std::string& what, const std::string& spec) {
  if (!spec.empty()) files_.push_back({what, [spec] { return Dataset::files(spec, false); }});
  return *this;
}

Inputs& Inputs::folder(const std::string& what, const std::string& folder, bool of_texts) {
  const auto list = [folder, of_texts]() -> std::vector<std::string> {
    try {
      return (of_texts ? texts_below(folder) : images_below(folder)).paths;
    } catch (const Error&) {  // told where they are read
      return {};
    }
  };
  files_.push_back({what, list});
  return *this;
}

Inputs& Inputs::checkpoint(const std::string& path, const ImportOptions& options) {
  files_.push_back(
      {"the checkpoint's", [path, options] { return Model::checkpoint_files(path, options); }});
  return *this;
}

Inputs& Inputs::feature_cache(const std::string& folder) {
  // Features of one key lie in a folder with a lock, which goes when they are no longer needed.
  const auto holds = [folder](const std::string& path) {
    const std::string own = folder_of(path);
    return identity_of(own + "/..") == identity_of(folder) &&
           ::access((own + "/lock").c_str(), F_OK) == 0;
  };
  folders_.push_back({"the feature cache " + folder, holds});
  return *this;
}

Inputs& Inputs::weight_cache(const std::string& folder) {
  const auto holds = [folder](const std::string& path) {
    const bool is_named_so = path.ends_with(".weights") || path.ends_with("/secret");
    return is_named_so && identity_of(folder_of(path)) == identity_of(folder);
  };
  if (!folder.empty()) folders_.push_back({"the weight cache " + folder, holds});
  return *this;
}

void check_outputs(const std::vector<Output>& outputs, const Inputs& inputs) {
  std::vector<Written> files;
  bool any_exists = false;
  for (const Output& output : outputs) {
    if (output.path.empty()) continue;
    check_writable(output.path);
    const auto identity = identity_of(output.path);
    if (!identity) continue;  // its folder has gone just now: told when it is written
    for (const Written& other : files) {
      if (other.identity == *identity)
        refuse_two_in_one({output.what, output.path, *identity}, called(other.what, other.path));
    }
    files.push_back({output.what, output.path, *identity});
    any_exists = any_exists || files.back().exists();
  }
  check_against_streams(files);
  for (const Written& file : files) {
    const std::string target = behind_links(file.path);
    for (const Inputs::Folder& folder : inputs.folders_) {
      if (folder.holds(target))
        throw Error(file.path + ": cannot be written: it would lie among the files of " +
                    folder.what + "; expected another folder for " + file.what);
    }
  }
  if (!any_exists) return;  // a new file is no input
  for (const Inputs::Files& input : inputs.files_) {
    for (const std::string& path : input.list()) {
      const auto identity = identity_of(path);
      for (const Written& file : files) {
        if (file.exists() && identity == file.identity)
          refuse_input(file, called(input.what, path));
      }
    }
  }
}

}  // namespace sidenet::tools
