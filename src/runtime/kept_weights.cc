#include "kept_weights.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <span>

#include "atomic_file.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

constexpr char kMagic[] = "SNKEPT01";
constexpr std::size_t kMagicBytes = 8, kWord = sizeof(std::uint64_t), kAlignment = 64;

std::uint64_t word_at(std::span<const std::byte> bytes, std::size_t offset) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data() + offset, kWord);
  return value;
}

std::size_t aligned(std::size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

void check_keep_folder(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    throw Error(folder + ": cannot make a folder for weights: " + std::strerror(errno));
  }
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0) throw Error(folder + ": " + std::strerror(errno));
  if (!S_ISDIR(status.st_mode)) throw Error(folder + ": expected a folder for weights");
  if (status.st_uid != ::geteuid())
    throw Error(folder + ": expected a folder of your own: another user may put weights there");
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    throw Error(folder + ": expected a folder that nobody else may write to: others may put weights there");
  }
}

std::vector<KeptEntry> read_kept_head(std::span<const std::byte> file, std::size_t steps, const std::string& source) {
  const auto require = [&](bool good) {
    if (!good) throw Error(source + ": not the weights that were kept");
  };
  require(file.size() >= kMagicBytes + kWord && std::memcmp(file.data(), kMagic, kMagicBytes) == 0);
  const std::uint64_t requests = word_at(file, kMagicBytes);
  require(requests <= (file.size() - kMagicBytes - kWord) / (3 * kWord));
  std::vector<KeptEntry> entries;
  for (std::uint64_t i = 0; i < requests; ++i) {
    const std::size_t at = kMagicBytes + kWord + i * 3 * kWord;
    const std::uint64_t step = word_at(file, at), floats = word_at(file, at + kWord),
                        offset = word_at(file, at + 2 * kWord);
    require(step < steps && offset % kAlignment == 0 && offset <= file.size() &&
            floats <= (file.size() - offset) / sizeof(float));
    entries.push_back({step, floats, offset});
  }
  return entries;
}

KeptPart::KeptPart(const KeepOptions& options, std::size_t part, std::size_t steps)
    : path_(options.folder + "/" + options.key + "-" + std::to_string(part) + ".weights"), keepers_(steps) {
  try {
    load();
  } catch (const Error&) {
    for (Keeper& keeper : keepers_) keeper.kept.clear();
  }
}

void KeptPart::load() {
  const std::shared_ptr<const MappedFile> file = MappedFile::open(path_);
  for (const KeptEntry& entry : read_kept_head(file->bytes(), keepers_.size(), path_)) {
    auto* data =
        reinterpret_cast<float*>(const_cast<std::byte*>(file->bytes().data() + entry.offset));  // kernels only read it
    keepers_[entry.step].kept.push_back({std::shared_ptr<float>(file, data), entry.floats});
  }
}

std::shared_ptr<float> KeptPart::Keeper::find(std::size_t floats) {
  const std::size_t place = asked.size();
  if (changed || place >= kept.size() || kept[place].floats != floats) return nullptr;
  asked.push_back(kept[place]);
  return kept[place].data;
}

void KeptPart::Keeper::keep(std::shared_ptr<float> data, std::size_t floats) {
  changed = true;
  asked.push_back({std::move(data), floats});
}

void KeptPart::save() const {
  bool changed = false;
  std::uint64_t requests = 0;
  for (const Keeper& keeper : keepers_) {
    changed = changed || keeper.changed;
    requests += keeper.asked.size();
  }
  if (!changed) return;
  try {
    AtomicFile file(path_);
    std::vector<std::uint64_t> table{requests};
    std::size_t offset = aligned(kMagicBytes + kWord + 3 * kWord * requests);
    const auto start = offset;
    for (std::size_t step = 0; step < keepers_.size(); ++step) {
      for (const Request& request : keepers_[step].asked) {
        table.insert(table.end(), {step, request.floats, offset});
        offset += aligned(request.floats * sizeof(float));
      }
    }
    const std::string zeros(kAlignment, '\0');
    file.write(std::string(kMagic, kMagicBytes));
    file.write(std::as_bytes(std::span(table)));
    file.write(zeros.substr(0, start - kMagicBytes - table.size() * kWord));
    for (const Keeper& keeper : keepers_) {
      for (const Request& request : keeper.asked) {
        const std::size_t size = request.floats * sizeof(float);
        file.write(std::as_bytes(std::span(request.data.get(), request.floats)));
        file.write(zeros.substr(0, aligned(size) - size));
      }
    }
    file.commit();
  } catch (const Error&) {
    // The answer does not depend on it, and the next process tries again.
  }
}

}  // namespace sidenet
