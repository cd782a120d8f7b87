#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "kept_weights.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

#include "exit_graph.h"
#include "random_bert.h"
#include "random_model.h"
#include "sidenet/sidenet.h"

// Weights that are kept in a folder: the same answers with and without, and with a folder that somebody has damaged.
using namespace sidenet;
namespace fs = std::filesystem;

namespace {

struct Folder {
  std::string path;
  Folder() : path((fs::temp_directory_path() / "sidenet-kept-XXXXXX").string()) { REQUIRE(::mkdtemp(path.data())); }
  ~Folder() { fs::remove_all(path); }
  std::string weights() const { return path + "/weights"; }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(weights())) names.push_back(entry.path().string());
    std::sort(names.begin(), names.end());
    return names;
  }
};

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
void write(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

bool same(const Answers& a, const Answers& b) {
  return a.exit == b.exit && a.confidence == b.confidence &&
         std::memcmp(a.logits.data<float>(), b.logits.data<float>(), sizeof(float) * a.logits.size()) == 0;
}

Model saved_resnet(const std::string& path, unsigned seed = 1) {
  ModelData data = testing::describe(testing::random_cifar_resnet(seed, 2, 16, 3, 7, true));
  testing::RandomWeights random(seed + 1);
  add_random_exit(random, data, "layer2", 2, 32 * 4, 24);
  make_model(std::move(data)).save(path);
  return Model::load(path);
}

Answers run(const Model& model, const Tensor& inputs, const std::string& folder, const ExitPolicy& policy = {}) {
  Session session(model, {.threads = 2, .weight_cache = folder});
  return session.run(inputs, policy);
}

Tensor random_rows() {
  testing::RandomWeights random(3);
  return random.tensor({3, 3, 32, 32}, -2, 2);
}

std::string refusal(const std::string& folder) {
  try {
    check_keep_folder(folder);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
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
    CHECK(
        same(run(Model::load(folder.path + "/m.safetensors"), inputs, folder.weights(), ExitPolicy::uniform(2)), expected));
  }
  CHECK(folder.files() == files);
  for (std::size_t i = 0; i < files.size(); ++i) CHECK(fs::last_write_time(files[i]) == times[i]);
}

TEST_CASE("kept weights: what no row has met is not there") {
  const Folder folder;
  const Model model = saved_resnet(folder.path + "/m.safetensors");
  run(model, random_rows(), folder.weights(), ExitPolicy::uniform(0));  // all leave at the first exit
  const std::size_t early = folder.files().size();
  run(Model::load(folder.path + "/m.safetensors"), random_rows(), folder.weights(), ExitPolicy::uniform(2));
  CHECK(folder.files().size() > early);
}

TEST_CASE("kept weights: another model, shape or way to compute has files of its own") {
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
  Session direct(other, {.threads = 1, .winograd = false, .weight_cache = folder.weights()});
  direct.run(inputs);
  CHECK(folder.files().size() > two);
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
      [](const std::string& text) { return text.substr(0, text.size() - 64); },
      [](const std::string& text) { return "X" + text.substr(1); },
      [&](const std::string& text) { return with(text, 8, ~std::uint64_t{0}); },       // requests
      [&](const std::string& text) { return with(text, 8, 0); },                       // none
      [&](const std::string& text) { return with(text, 16, 1 << 20); },                // a step that there is not
      [&](const std::string& text) { return with(text, 24, ~std::uint64_t{0} / 4); },  // floats
      [&](const std::string& text) { return with(text, 24, 16); },                     // fewer than are asked for
      [&](const std::string& text) { return with(text, 32, 4); },                      // offset, not aligned
      [&](const std::string& text) { return with(text, 32, ~std::uint64_t{63}); },     // offset, behind the end
  };
  for (std::size_t damage = 0; damage < damages.size(); ++damage) {
    CAPTURE(damage);
    for (std::size_t i = 0; i < files.size(); ++i) write(files[i], damages[damage](whole[i]));
    CHECK(same(run(Model::load(path), inputs, folder.weights(), ExitPolicy::uniform(2)), expected));
    for (std::size_t i = 0; i < files.size(); ++i) CHECK(read(files[i]) == whole[i]);
  }
}

TEST_CASE("kept weights: texts") {
  const Folder folder;
  const std::string path = folder.path + "/m.safetensors";
  testing::BertSize size;
  ModelData data = testing::describe_bert(testing::random_bert(1, size), size.heads);
  make_model(std::move(data)).save(path);
  const TokenRows inputs = testing::random_texts(3, 5, size.positions, size);
  Session without(Model::load(path), {.threads = 1});
  const Answers expected = without.run(inputs);
  for (int again = 0; again < 2; ++again) {
    Session session(Model::load(path), {.threads = 1, .weight_cache = folder.weights()});
    CHECK(same(session.run(inputs), expected));
  }
  CHECK(!folder.files().empty());
}

TEST_CASE("kept weights: a folder that is not the user's own alone is refused") {
  const Folder folder;
  CHECK(refusal(folder.weights()).empty());
  CHECK(refusal(folder.weights()).empty());  // it is there now
  ::chmod(folder.weights().c_str(), 0777);
  CHECK(refusal(folder.weights()).find("nobody else may write to") != std::string::npos);
  write(folder.path + "/file", "");
  CHECK(refusal(folder.path + "/file").find("expected a folder") != std::string::npos);
  CHECK(refusal(folder.path + "/no/such").find("cannot make a folder") != std::string::npos);
  const Model model = saved_resnet(folder.path + "/m.safetensors");
  CHECK_THROWS_AS(Session(model, {.weight_cache = folder.path + "/no/such"}), Error);
}

TEST_CASE("kept weights: where they cannot be written the answer comes all the same") {
  const Folder folder;
  const Model model = saved_resnet(folder.path + "/m.safetensors");
  const Tensor inputs = random_rows();
  const Answers expected = run(model, inputs, "");
  Session session(model, {.threads = 1, .weight_cache = folder.weights()});
  fs::remove_all(folder.weights());
  CHECK(same(session.run(inputs), expected));
}
