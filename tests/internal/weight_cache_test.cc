#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>

#include "digest.h"
#include "exit_graph.h"
#include "random_bert.h"
#include "random_model.h"
#include "sidenet/sidenet.h"
#include "temporary_folder.h"

// Weights that are kept in a folder: the same answers with and without, and whatever lies there.
using namespace sidenet;
namespace fs = std::filesystem;

namespace {

using sidenet::testing::read;
using sidenet::testing::TemporaryFolder;

struct Folder : TemporaryFolder {
  std::string weights() const { return path + "/weights"; }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(weights())) {
      if (entry.path().extension() == ".weights") names.push_back(entry.path().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
};

void write(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

bool same(const Answers& a, const Answers& b) {
  return a.exit == b.exit && a.confidence == b.confidence &&
         std::memcmp(a.logits.data<float>(), b.logits.data<float>(),
                     sizeof(float) * a.logits.size()) == 0;
}

Model saved_resnet(const std::string& path, unsigned seed = 1) {
  ModelData data = testing::describe(testing::random_cifar_resnet(seed, 2, 16, 3, 7, true));
  testing::RandomWeights random(seed + 1);
  add_random_exit(random, data, "layer2", 2, 32 * 4, 24);
  make_model(std::move(data)).save(path);
  return Model::load(path);
}

Answers run(const Model& model, const Tensor& inputs, const std::string& folder,
            const ExitPolicy& policy = {}) {
  Session session(model, {.execution = {.threads = 2}, .weight_cache = folder});
  return session.run(inputs, policy);
}

Tensor random_rows() {
  testing::RandomWeights random(3);
  return random.tensor({3, 3, 32, 32}, -2, 2);
}

// What models of all shapes and kinds leave there.
std::string some_file(const Folder& folder) {
  REQUIRE(!folder.files().empty());
  return folder.files().front();
}

}  // namespace

TEST_CASE("kept weights: the same answers, from a file that is written once") {
  const Folder folder;
  const Model model = saved_resnet(folder.path + "/m.safetensors");
  const Tensor inputs = random_rows();
  const Answers expected = run(model, inputs, "", ExitPolicy::uniform(2));
  CHECK(same(run(model, inputs, folder.weights(), ExitPolicy::uniform(2)), expected));
  const auto files = folder.files();
  REQUIRE(!files.empty());
  std::vector<fs::file_time_type> times;
  for (const std::string& file : files) times.push_back(fs::last_write_time(file));
  for (int again = 0; again < 2; ++again) {
    CHECK(same(run(Model::load(folder.path + "/m.safetensors"), inputs, folder.weights(),
                   ExitPolicy::uniform(2)),
               expected));
  }
  CHECK(folder.files() == files);
  for (std::size_t i = 0; i < files.size(); ++i) CHECK(fs::last_write_time(files[i]) == times[i]);
}

TEST_CASE("kept weights: what no row has met is not there") {
  const Folder folder;
  const Model model = saved_resnet(folder.path + "/m.safetensors");
  run(model, random_rows(), folder.weights(),
      ExitPolicy::uniform(0));  // all leave at the first exit
  const std::size_t early = folder.files().size();
  run(Model::load(folder.path + "/m.safetensors"), random_rows(), folder.weights(),
      ExitPolicy::uniform(2));
  CHECK(folder.files().size() > early);
}

TEST_CASE("kept weights: another model, or way to compute, has files of its own") {
  const Folder folder;
  const std::string path = folder.path + "/m.safetensors";
  const Tensor inputs = random_rows();
  run(saved_resnet(path), inputs, folder.weights());
  const auto first = folder.files();
  // The same name, other weights.
  const Model other = saved_resnet(path, 5);
  CHECK(same(run(other, inputs, folder.weights()), run(other, inputs, "")));
  CHECK(folder.files().size() > first.size());
  const std::size_t two = folder.files().size();
  Session direct(
      other, {.execution = {.threads = 1, .winograd = false}, .weight_cache = folder.weights()});
  direct.run(inputs);
  CHECK(folder.files().size() > two);
}

TEST_CASE("kept weights: each choice of kernels finds its own, in one folder") {
  const Folder folder;
  const Model model = saved_resnet(folder.path + "/m.safetensors");
  const Tensor inputs = random_rows();
  const auto answers = [&](Kernels kernels, const std::string& cache) {
    Session session(model,
                    {.execution = {.threads = 1, .kernels = kernels}, .weight_cache = cache});
    return session.run(inputs, ExitPolicy::uniform(2));
  };
  for (int round = 0; round < 2; ++round) {
    for (const Kernels kernels :
         {Kernels::automatic, Kernels::own, Kernels::eigen, Kernels::reference})
      CHECK(same(answers(kernels, folder.weights()), answers(kernels, "")));
  }
}

// Neither what a file says of itself nor its size or date tell what is in it.
TEST_CASE("kept weights: a damaged model with the good one's name, digest, size and date") {
  const Folder folder;
  const std::string path = folder.path + "/m.safetensors";
  const Model model = saved_resnet(path);
  const auto date = fs::last_write_time(path);
  const std::string good = read(path);
  const Tensor inputs = random_rows();
  const Answers expected = run(model, inputs, "", ExitPolicy::uniform(2));
  const std::size_t start =
      8 + static_cast<std::size_t>(good[0] & 0xff) + 256 * static_cast<std::size_t>(good[1] & 0xff);
  for (const std::size_t byte : {2, 40002, 80002}) {  // of the first weights, and of later ones
    std::string damaged = good;
    for (std::size_t i = 0; i < 64; ++i)
      damaged[start + byte + 4 * i] ^= '\x60';  // by a third or so
    for (const std::string* contents :
         std::initializer_list<const std::string*>{&damaged, &good, &damaged, &good}) {
      write(path, *contents);
      fs::last_write_time(path, date);
      const Model loaded = Model::load(path);
      const Answers answers = run(loaded, inputs, folder.weights(), ExitPolicy::uniform(2));
      CHECK(same(answers, run(loaded, inputs, "", ExitPolicy::uniform(2))));
      CHECK(same(answers, expected) == (contents == &good));
    }
  }
}

// hash128() is for accidents: in the same lane of it the second change undoes the first. That must
// not be enough.
TEST_CASE("kept weights: a model that was made to have the good one's hash") {
  const Folder folder;
  const std::string path = folder.path + "/m.safetensors";
  const Tensor inputs = random_rows();
  const Model good = saved_resnet(path);
  const Answers expected = run(good, inputs, "");
  const auto tensor = [](const Model& model) {
    for (const auto& [name, values] : model.tensors()) {
      if (name == "layer1.0.conv1.weight")
        return std::span<const std::byte>(values.raw(), values.bytes());
    }
    return std::span<const std::byte>();
  };
  const std::span<const std::byte> weights = tensor(good);
  REQUIRE(weights.size() > 4096);
  std::string forged(reinterpret_cast<const char*>(weights.data()), weights.size());
  constexpr std::uint64_t k1 = 0x87c37b91114253d5u;
  std::uint64_t inverse = 1;
  for (int i = 0; i < 6; ++i) inverse *= 2 - k1 * inverse;
  const auto change = [&](std::size_t word, std::uint64_t difference) {
    std::uint64_t value = 0;
    std::memcpy(&value, forged.data() + 8 * word, 8);
    value = ((value * k1) ^ difference) * inverse;
    std::memcpy(forged.data() + 8 * word, &value, 8);
  };
  change(100, std::uint64_t{1} << 32);
  change(104, std::uint64_t{1} << 63);
  CHECK(hash128(weights) == hash128(std::as_bytes(std::span(forged))));
  const std::string file = read(path);
  const std::size_t at = file.find(std::string(reinterpret_cast<const char*>(weights.data()), 64));
  REQUIRE(at != std::string::npos);
  write(path, file.substr(0, at) + forged + file.substr(at + forged.size()));
  const Model other = Model::load(path);
  const Answers others = run(other, inputs, "");
  CHECK(!same(others, expected));
  CHECK(same(run(other, inputs, folder.weights()), others));
  write(path, file);
  CHECK(same(run(Model::load(path), inputs, folder.weights()), expected));
}

TEST_CASE("kept weights: one that no file holds has them too") {
  const Folder folder;
  const Model model =
      make_model(testing::describe(testing::random_cifar_resnet(1, 2, 16, 3, 7, true)));
  const Tensor inputs = random_rows();
  const Answers expected = run(model, inputs, "");
  for (int again = 0; again < 2; ++again) {
    CHECK(
        same(run(make_model(testing::describe(testing::random_cifar_resnet(1, 2, 16, 3, 7, true))),
                 inputs, folder.weights()),
             expected));
  }
  CHECK(!folder.files().empty());
}

TEST_CASE("kept weights: sizes of pictures share what does not depend on them") {
  const Folder folder;
  const Model model = saved_resnet(folder.path + "/m.safetensors");
  testing::RandomWeights random(3);
  Session session(model, {.execution = {.threads = 1}, .weight_cache = folder.weights()});
  std::set<std::string> names;
  for (std::int64_t size = 32; size < 44; ++size) {
    session.run(random.tensor({1, 3, size, size + size % 3}, -2, 2), ExitPolicy::uniform(2));
    const auto files = folder.files();
    names.insert(files.begin(), files.end());
  }
  // A convolution has few forms: F(4x4), F(2x2), the transform on every run, the direct sum in two
  // widths.
  const std::size_t layers = 1 + 3 * 2 * 2;
  CHECK(names.size() <= 3 * layers);
  std::uintmax_t bytes = 0;
  for (const std::string& file : folder.files()) bytes += fs::file_size(file);
  CHECK(bytes < 20 * fs::file_size(folder.path + "/m.safetensors"));
}

TEST_CASE("kept weights: damaged files count as none, and are written anew") {
  const Folder folder;
  const std::string path = folder.path + "/m.safetensors";
  const Model model = saved_resnet(path);
  const Tensor inputs = random_rows();
  const Answers expected = run(model, inputs, folder.weights(), ExitPolicy::uniform(2));
  const auto files = folder.files();
  std::vector<std::string> whole;
  for (const std::string& file : files) whole.push_back(read(file));
  const auto with = [](std::string text, std::size_t at, std::uint64_t value) {
    if (at + 8 <= text.size()) std::memcpy(text.data() + at, &value, 8);
    return text;
  };
  const std::vector<std::function<std::string(const std::string&)>> damages{
      [](const std::string&) { return std::string(); },
      [](const std::string& text) { return text.substr(0, 7); },
      [](const std::string& text) { return text.substr(0, 20); },
      [](const std::string& text) { return text.substr(0, 64); },
      [](const std::string& text) { return text.substr(0, text.size() - 1); },
      [](const std::string& text) { return text.substr(0, text.size() - 64); },
      [](const std::string& text) { return text + '\0'; },
      [](const std::string& text) { return "X" + text.substr(1); },
      [](const std::string& text) {
        return text.substr(0, 7) + "1" + text.substr(8);
      },  // an older version
      [](const std::string& text) {
        return text.substr(0, 8) + "0123" + text.substr(12);
      },                                                                           // the name
      [&](const std::string& text) { return with(text, 40, ~std::uint64_t{0}); },  // floats
      [&](const std::string& text) {
        return with(text, 40, (~std::uint64_t{0} >> 2) + 1);
      },                                                            // whose bytes overflow to 0
      [&](const std::string& text) { return with(text, 40, 16); },  // fewer than are asked for
      [&](const std::string& text) { return with(text, 48, 1); },   // their hash
      [&](const std::string& text) { return with(text, 64, 1); },   // the first of them
      [&](const std::string& text) { return with(text, text.size() - 8, 1); },  // the last
      [&](const std::string& text) {
        return text.substr(0, 64) + std::string(text.size() - 64, '\0');
      },
      [&](const std::string&) { return whole[0]; },  // another's
  };
  for (std::size_t damage = 0; damage < damages.size(); ++damage) {
    CAPTURE(damage);
    for (std::size_t i = 0; i < files.size(); ++i) write(files[i], damages[damage](whole[i]));
    CHECK(same(run(Model::load(path), inputs, folder.weights(), ExitPolicy::uniform(2)), expected));
    for (std::size_t i = 0; i < files.size(); ++i) CHECK(read(files[i]) == whole[i]);
    CHECK(folder.files() == files);
  }
}

TEST_CASE("kept weights: nothing is read or written through what another put there") {
  const Folder folder;
  const std::string path = folder.path + "/m.safetensors", victim = folder.path + "/victim";
  const Tensor inputs = random_rows();
  const Answers expected = run(saved_resnet(path), inputs, folder.weights());
  const std::string file = some_file(folder), whole = read(file);
  write(victim, "precious");
  std::string other = whole;
  other[100] ^= 1;
  const auto try_with = [&](const std::function<void()>& put) {
    fs::remove_all(file);
    put();
    CHECK(same(run(Model::load(path), inputs, folder.weights()), expected));
    CHECK(read(victim) == "precious");
  };
  const auto replaced = [&] {
    return fs::is_regular_file(fs::symlink_status(file)) && read(file) == whole;
  };
  for (const bool broken : {false, true}) {
    try_with([&] { fs::create_symlink(broken ? "nowhere" : victim, file); });
    CHECK(replaced());
  }
  CHECK(!fs::exists(folder.weights() + "/nowhere"));
  try_with([&] { fs::create_hard_link(victim, file); });
  CHECK(replaced());
  try_with([&] { REQUIRE(::mkfifo(file.c_str(), 0600) == 0); });
  CHECK(replaced());
  try_with([&] {  // right, but of a file that has another name too
    write(victim + "2", whole);
    fs::create_hard_link(victim + "2", file);
  });
  CHECK(replaced());
  try_with([&] {
    write(file, other);
    fs::permissions(file, fs::perms::others_write, fs::perm_options::add);
  });
  CHECK(replaced());
  try_with([&] { fs::create_directory(file); });
  CHECK(fs::is_directory(file));  // left alone, and nothing kept
}

TEST_CASE("kept weights: texts") {
  const Folder folder;
  const std::string path = folder.path + "/m.safetensors";
  testing::BertSize size;
  ModelData data = testing::describe_bert(testing::random_bert(1, size), size.heads);
  make_model(std::move(data)).save(path);
  const TokenRows inputs = testing::random_texts(3, 5, size.positions, size);
  Session without(Model::load(path), {.execution = {.threads = 1}});
  const Answers expected = without.run(inputs);
  for (int again = 0; again < 2; ++again) {
    Session session(Model::load(path),
                    {.execution = {.threads = 1}, .weight_cache = folder.weights()});
    CHECK(same(session.run(inputs), expected));
  }
  CHECK(!folder.files().empty());
}

TEST_CASE("kept weights: a folder that is not the user's own alone is refused") {
  const Folder folder;
  const Model model = saved_resnet(folder.path + "/m.safetensors");
  const auto refusal = [&](const std::string& path) -> std::string {
    try {
      Session session(model, {.weight_cache = path});
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  CHECK(refusal(folder.weights()).empty());
  CHECK(refusal(folder.weights()).empty());  // it is there now
  ::chmod(folder.weights().c_str(), 0777);
  CHECK(refusal(folder.weights()).find("nobody else may write to") != std::string::npos);
  ::chmod(folder.weights().c_str(), 0700);
  fs::create_symlink("weights", folder.path + "/link");
  CHECK(refusal(folder.path + "/link").find("got a link") != std::string::npos);
  CHECK(refusal(folder.path + "/link/").find("got a link") != std::string::npos);
  write(folder.path + "/file", "");
  CHECK(refusal(folder.path + "/file").find("expected a folder") != std::string::npos);
  CHECK(refusal(folder.path + "/no/such").find("cannot make a folder") != std::string::npos);
  CHECK_THROWS_AS(Session(model, {.weight_cache = folder.weights(), .weight_cache_limit = -1}),
                  Error);
}

TEST_CASE(
    "kept weights: without the folder's secret nothing is found, and nothing left without one") {
  const Folder folder;
  const Model model = saved_resnet(folder.path + "/m.safetensors");
  const Tensor inputs = random_rows();
  const Answers expected = run(model, inputs, folder.weights());
  const std::size_t before = folder.files().size();
  const std::string secret = folder.weights() + "/secret";
  CHECK(fs::status(secret).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
  fs::remove(secret);
  CHECK(same(run(Model::load(folder.path + "/m.safetensors"), inputs, folder.weights()), expected));
  CHECK(folder.files().size() == 2 * before);
  fs::remove(secret);
  fs::create_directory(secret);
  CHECK(same(run(Model::load(folder.path + "/m.safetensors"), inputs, folder.weights()), expected));
  CHECK(folder.files().size() == 2 * before);
}

TEST_CASE("kept weights: where they cannot be written the answer comes all the same") {
  const Folder folder;
  const Model model = saved_resnet(folder.path + "/m.safetensors");
  const Tensor inputs = random_rows();
  const Answers expected = run(model, inputs, "");
  Session session(model, {.execution = {.threads = 1}, .weight_cache = folder.weights()});
  fs::remove_all(folder.weights());
  CHECK(same(session.run(inputs), expected));
}
