#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "mapped_file.h"
#include "weight_keeper.h"

namespace sidenet {

/// Where the weights of a plan are kept in the order that its kernels read them; empty folder: nowhere.
struct KeepOptions {
  std::string folder;
  std::string key;  ///< of everything that they depend on; for names of files
};

/// Checks the folder, and makes it (its last part) where it is missing. Throws Error: cannot be made, not a folder, of
/// another user, or others may write to it (what lies there is trusted to be what we wrote).
void check_keep_folder(const std::string& folder);

/// What a kernel asked for, and where it lies in the file.
struct KeptEntry {
  std::size_t step, floats, offset;
};

/// The head of a file of kept weights:
///   "SNKEPT01", then u64: the number of requests, and for each: step, floats, offset in the file (a multiple of 64);
///   then the floats. Little endian, as the machine has it. No number in it is believed before it is checked.
/// Throws Error, with `source`, where one does not fit the file or there are not so many steps.
std::vector<KeptEntry> read_kept_head(std::span<const std::byte> file, std::size_t steps, const std::string& source);

/// The kept weights of one part of a plan, one file. One that is missing, damaged or of other requests counts as none, and
/// is written anew.
class KeptPart {
 public:
  KeptPart(const KeepOptions& options, std::size_t part, std::size_t steps);
  /// Of one step of the part; asks for steps of a part may come from many threads, for one from one.
  WeightKeeper& keeper(std::size_t step) { return keepers_[step]; }
  /// When all steps are prepared: writes the file where one of them found nothing. Where it cannot be written nothing is
  /// kept.
  void save() const;

 private:
  struct Request {
    std::shared_ptr<float> data;
    std::size_t floats;
  };
  class Keeper : public WeightKeeper {
   public:
    std::shared_ptr<float> find(std::size_t floats) override;
    void keep(std::shared_ptr<float> data, std::size_t floats) override;

    std::vector<Request> kept, asked;  // of the file; of this process
    bool changed = false;
  };
  void load();

  std::string path_;
  std::vector<Keeper> keepers_;
};

}  // namespace sidenet
