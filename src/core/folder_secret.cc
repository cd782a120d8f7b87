#include "folder_secret.h"

#include <cstring>

#include "atomic_file.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

constexpr const char* kName = "secret";

std::optional<Secret> kept_secret(const OwnFolder& folder) {
  try {
    const auto status = folder.status(kName);
    if (!status || (status->st_mode & (S_IRWXG | S_IRWXO)) != 0) return std::nullopt;
    const auto file = folder.map(kName);
    Secret secret{};
    if (!file || file->bytes().size() != sizeof secret) return std::nullopt;
    std::memcpy(secret.data(), file->bytes().data(), sizeof secret);
    return secret;
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace

Secret secret_of(const OwnFolder& folder) {
  if (const auto secret = kept_secret(folder)) return *secret;
  const Secret secret = new_secret();
  AtomicFile file(folder, kName);
  file.write(std::as_bytes(std::span(secret)));
  file.commit();
  return kept_secret(folder).value_or(secret);  // another process may have written its own just now
}

}  // namespace sidenet
