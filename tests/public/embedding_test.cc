// What a program that embeds the library is given, by the installed headers alone, on the bundled
// models.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <string>
#include <vector>

#include "sidenet/sidenet.h"

namespace {

using namespace sidenet;

std::string weights(const std::string& file) {
  return std::string(std::getenv("SIDENET_WEIGHTS")) + "/" + file;
}

const Model& images_model() {
  static const Model model = Model::load(weights("fashion_mnist/fashion_mnist.safetensors"));
  return model;
}
const Model& texts_model() {
  static const Model model = Model::load(weights("debian_sections/debian_sections.safetensors"));
  return model;
}
std::shared_ptr<const Dataset> images() {
  static const auto data = Dataset::open(weights("fashion_mnist/sample1000-images.idx.gz,") +
                                             weights("fashion_mnist/sample1000-labels.idx.gz"),
                                         {.limit = 24});
  return data;
}
const std::vector<Text> kTexts{{"shared library for reading spreadsheet files"},
                               {"classic snake game", "for the terminal"},
                               {"Norwegian dictionary"}};

template <typename Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}
bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

bool same(const Answers& a, const Answers& b) {
  return a.index == b.index && a.exit == b.exit && a.confidence == b.confidence &&
         a.logits.shape() == b.logits.shape() &&
         std::equal(a.logits.raw(), a.logits.raw() + a.logits.bytes(), b.logits.raw());
}

std::vector<Tensor> rows(const Model& model, std::int64_t count) {
  std::vector<Tensor> result;
  for (std::int64_t row = 0; row < count; ++row)
    result.push_back(preprocess_image(images()->image(row), model.preprocessing()));
  return result;
}

}  // namespace

TEST_CASE("a batch of images is the same from rows, from data and in parts") {
  const Model& model = images_model();
  Session session(model);
  const Batch all = batch_of(model, *images(), 0, 24);
  CHECK(all.rows() == 24);
  const Answers answers = session.run(all);
  CHECK(same(answers, session.run(all.inputs)));
  CHECK(same(answers, session.run(batch_of(model, rows(model, 24)))));
  std::vector<int> labels, in_parts;
  for_each_batch(model, *images(), 7, 2, [&](const Batch& batch) {
    CHECK(same(session.run(batch), session.run(rows_of(all, batch.first, batch.rows()))));
    const Answers part = session.run(batch);
    in_parts.insert(in_parts.end(), part.index.begin(), part.index.end());
    labels.insert(labels.end(), batch.labels.begin(), batch.labels.end());
  });
  CHECK(in_parts == answers.index);
  CHECK(labels.size() == 24);
  const AllExits exits = session.run_all_exits(all);
  CHECK(exits.logits.size() == session.exit_names().size());
  CHECK(!session.profile(all, 1).empty());
}

TEST_CASE("a batch of texts is the same from texts and in parts") {
  const Model& model = texts_model();
  Session session(model);
  const Batch all = batch_of(model, kTexts);
  CHECK(all.rows() == 3);
  session.prepare(all);
  const Answers answers = session.run(all);
  CHECK(same(answers, session.run(all.tokens)));
  for (std::int64_t row = 0; row < 3; ++row)
    CHECK(session.run(rows_of(all, row, 1)).index[0] ==
          answers.index[static_cast<std::size_t>(row)]);
}

TEST_CASE("a batch of the wrong kind, of unlike rows or out of its range is refused") {
  const std::vector<Text> bad{{"good"}, {"\xff"}};
  CHECK(has(error_of([&] { batch_of(texts_model(), bad); }), "batch: text 1: "));
  CHECK(has(error_of([&] { batch_of(images_model(), kTexts); }), "takes images, not texts"));
  std::vector<Tensor> unlike = rows(images_model(), 2);
  unlike.push_back(Tensor(DType::f32, {1, 14, 14}));
  CHECK(has(error_of([&] { batch_of(images_model(), unlike); }),
            "batch: row 2: expected shape (1, 28, 28) as the rows before it, got (1, 14, 14)"));
  const std::vector<Tensor> grey = rows(images_model(), 1);
  CHECK(has(error_of([&] { batch_of(texts_model(), grey); }), "takes texts, got images"));
  const Batch texts = batch_of(texts_model(), kTexts), pixels = batch_of(images_model(), grey);
  Session of_images(images_model()), of_texts(texts_model());
  CHECK(has(error_of([&] { of_images.run(texts); }), "takes images, got 3 texts"));
  CHECK(has(error_of([&] { of_texts.run(pixels); }), "takes texts, got images (1, 1, 28, 28)"));
  for (const auto& [first, count] : {std::pair(0, 4), {-1, 1}, {3, 1}, {0, -1}}) {
    CHECK(has(error_of([&, f = first, c = count] { rows_of(texts, f, c); }),
              "rows_of: expected rows within 0 to 3"));
  }
  const std::int64_t count = images()->rows();
  for (const auto& [first, wanted] :
       {std::pair<std::int64_t, std::int64_t>(0, count + 1), {-1, 1}, {count, 1}, {0, -1}}) {
    CHECK(has(error_of([&, f = first, c = wanted] { batch_of(images_model(), *images(), f, c); }),
              "batch: expected rows within 0 to " + std::to_string(count)));
  }
  const std::vector<Tensor> bytes{Tensor(DType::u8, {1, 28, 28})};
  CHECK(has(error_of([&] { batch_of(images_model(), bytes); }),
            "batch: row 0: expected f32, got u8"));
}

TEST_CASE("a batch without rows has no answers") {
  Session of_images(images_model()), of_texts(texts_model());
  CHECK(of_images.run(batch_of(images_model(), std::vector<Tensor>())).index.empty());
  CHECK(of_images.run(batch_of(images_model(), *images(), 3, 0)).index.empty());
  CHECK(of_texts.run(batch_of(texts_model(), std::vector<Text>())).index.empty());
}

TEST_CASE("thresholds as they are typed: parsed, checked, resolved") {
  const Model& model = images_model();
  const std::string exit = model.exits().front().name, other = model.exits()[1].name;
  CHECK(parse_threshold("0.5") == 0.5);
  CHECK(parse_threshold("2") == 2);
  for (const char* bad : {"", "x", "-0.1", "nan", "0.5x", " 1"})
    CHECK(error_of([&] { parse_threshold(bad); }) ==
          std::string("threshold '") + bad +
              "': expected a number of at least 0 (above 1 shuts the exit)");
  CHECK(parse_thresholds("a=0.5,b=c=2") == std::map<std::string, double>{{"a", 0.5}, {"b=c", 2}});
  CHECK(error_of([] { parse_thresholds(""); }) == "thresholds: expected NAME=T,NAME=T");
  CHECK(error_of([] { parse_thresholds("a=1,"); }) ==
        "thresholds 'a=1,': expected NAME=T,NAME=T, got ''");
  CHECK(error_of([] { parse_thresholds("a=1,a=2"); }) == "thresholds: 'a' stands twice");
  CHECK(has(error_of([] { parse_thresholds("a=x"); }), "threshold 'x'"));

  CHECK(parse_policy(model, "0.7").threshold == 0.7);
  const ExitPolicy named = parse_policy(model, exit + "=0.6");
  auto resolved = thresholds_of(model, named);
  CHECK(resolved.size() == model.exits().size() - 1);
  CHECK(resolved.at(exit) == 0.6);
  CHECK(resolved.at(other) == model.exits()[1].threshold);
  ExitPolicy both = named;
  both.threshold = 0.8;
  resolved = thresholds_of(model, both);
  CHECK(resolved.at(exit) == 0.6);
  CHECK(resolved.at(other) == 0.8);
  CHECK(has(error_of([&] { parse_policy(model, "nowhere=1"); }),
            "thresholds: no exit 'nowhere'; the model has " + exit));
  CHECK(has(error_of([&] { parse_policy(model, "final=1"); }), "'final' takes none"));
  // A Session says the same.
  ExitPolicy unknown;
  unknown.always_exit = "nowhere";
  const std::string message = error_of([&] { check_policy(model, unknown); });
  CHECK(has(message, "exit: no exit 'nowhere'"));
  Session session(model);
  CHECK(error_of([&] { session.run(batch_of(model, rows(model, 1)), unknown); }) == message);
}

TEST_CASE("whether a policy keeps the certificate, and why not") {
  const Model& model = images_model();
  REQUIRE(model.certificate().has_value());
  const auto breach = [&](const ExitPolicy& policy, const Execution& execution = {}) {
    const CertificateCheck check = certificate_check(model, policy, execution);
    CHECK(check.why.empty() == (check.breach == CertificateBreach::none));
    return check.breach;
  };
  CHECK(breach({}) == CertificateBreach::none);
  CHECK(breach(ExitPolicy::final_only()) == CertificateBreach::none);
  CHECK(breach(ExitPolicy::uniform(2)) == CertificateBreach::none);
  CHECK(breach(ExitPolicy::uniform(0.5)) == CertificateBreach::thresholds);
  ExitPolicy policy;
  policy.confidence = Confidence::margin;
  CHECK(breach(policy) == CertificateBreach::confidence);
  policy = {};
  policy.always_exit = model.exits().front().name;
  CHECK(breach(policy) == CertificateBreach::one_exit);
  CHECK(breach({}, {.winograd = !model.certificate()->winograd}) == CertificateBreach::winograd);
  // Of an older build, which did not tell; it had stb_image.
  REQUIRE(!model.certificate()->jpeg_decoder);
  const CertificateCheck of_jpegs = certificate_check(model, {}, {}, true);
  CHECK((of_jpegs.breach == CertificateBreach::none) == (jpeg_decoder() == JpegDecoder::stb_image));
  CHECK(certificate_check(model, ExitPolicy::final_only(), {}, true).breach ==
        CertificateBreach::none);
  policy.always_exit = "nowhere";
  CHECK(has(error_of([&] { certificate_check(model, policy, {}); }), "no exit 'nowhere'"));
}

TEST_CASE("probabilities are those of the exit that answered, after its calibration") {
  for (const Confidence kind : {Confidence::max_probability, Confidence::margin}) {
    Session session(images_model());
    ExitPolicy policy;
    policy.confidence = kind;
    const Answers answers = session.run(batch_of(images_model(), *images(), 0, 24), policy);
    CHECK(answers.measured_by == kind);
    for (std::int64_t row = 0; row < 24; ++row) {
      const std::vector<double> p = session.probabilities(answers, row);
      const auto i = static_cast<std::size_t>(row);
      CHECK(std::accumulate(p.begin(), p.end(), 0.0) == doctest::Approx(1));
      CHECK(*std::min_element(p.begin(), p.end()) >= 0);
      const double answer = p.at(static_cast<std::size_t>(answers.index[i]));
      if (kind == Confidence::max_probability)
        CHECK(answer == doctest::Approx(answers.confidence[i]));
      if (kind == Confidence::margin) CHECK(answer >= answers.confidence[i] - 1e-6);
    }
  }
}

TEST_CASE("a model from memory answers as from its file; bytes live as long as they are held") {
  const std::string path = weights("fashion_mnist/fashion_mnist.safetensors");
  std::ifstream file(path, std::ios::binary);
  struct Bytes : Storage {
    std::vector<char> bytes;
    bool* gone;
    ~Bytes() override { *gone = true; }
  };
  bool gone = false;
  auto kept = std::make_shared<Bytes>();
  kept->gone = &gone;
  kept->bytes.assign(std::istreambuf_iterator<char>(file), {});
  const auto span = std::as_bytes(std::span(kept->bytes));
  const Batch batch = batch_of(images_model(), *images(), 0, 24);
  const Answers expected = Session(images_model()).run(batch);
  {
    const Model held = Model::load(span, "built in", kept);
    CHECK(held.digest() == images_model().digest());
    CHECK(held.file_problem().empty());
    const Model lent = Model::load(span, "built in");  // kept is here
    CHECK(same(Session(lent).run(batch), expected));
    CHECK(
        error_of([&] { Model::load(span.first(span.size() / 2), "half"); }).starts_with("half: "));
    kept.reset();
    CHECK_FALSE(gone);
    CHECK(same(Session(held).run(batch), expected));
  }
  CHECK(gone);
}

TEST_CASE("a policy's guard audits, raises at drift, and goes on from its file") {
  const Model& model = images_model();
  const std::string state =
      (std::filesystem::temp_directory_path() / "sidenet_embedding_guard.json").string();
  std::filesystem::remove(state);
  CHECK(has(error_of([&] { PolicyGuard(model, {}, {.share = 0}); }), "guard: share: "));
  CHECK(has(error_of([&] { PolicyGuard(model, ExitPolicy::final_only(), {}); }), "always answers"));
  Session session(model);
  const Batch batch = batch_of(model, *images(), 0, 24);
  {
    PolicyGuard guard(model, ExitPolicy::uniform(0.1), {.share = 1, .state = state});
    CHECK(guard.policy().audit_share == 1);
    guard.observe(session.run(batch, guard.policy()));
    CHECK(guard.shared().audited() == 24);
    CHECK(guard.merge().empty());
  }
  // What no row may do has been done by each of these: an alarm, and stricter thresholds.
  const ExitPolicy policy = ExitPolicy::uniform(0.5);
  std::filesystem::remove(state);
  PolicyGuard guard(model, policy,
                    {.share = 1, .limit = 0, .action = GuardAction::raise, .state = state});
  Answers wrong = session.run(batch, guard.policy());
  for (std::size_t row = 0; row < wrong.audit.size(); ++row) {
    wrong.exit[row] = 0;
    wrong.audit[row] = (wrong.index[row] + 1) % 10;
  }
  const auto before = guard.policy().thresholds;
  guard.observe(wrong);
  REQUIRE(guard.merge().size() == 1);
  for (const auto& [exit, threshold] : guard.policy().thresholds)
    CHECK(threshold > before.at(exit));
  const PolicyGuard again(model, policy,
                          {.share = 1, .limit = 0, .action = GuardAction::raise, .state = state});
  CHECK(again.policy().thresholds == guard.policy().thresholds);
  std::filesystem::remove(state);
}

TEST_CASE(
    "files: whole or not at all, the same file by any name, tensors as .npy, what one holds") {
  const auto folder = std::filesystem::temp_directory_path() / "sidenet_embedding_files";
  std::filesystem::create_directories(folder);
  const std::string path = (folder / "a.npy").string();
  write_npy(path, Tensor::from({2, 1}, {1, 2}));
  CHECK(read_npy(path).shape() == Shape{2, 1});
  CHECK(identity_of(path) == identity_of((folder / "." / "a.npy").string()));
  CHECK(identity_of(path) != identity_of(path_beside(path, ".other")));
  write_file(path, "new");
  check_writable(path);
  std::ifstream file(path);
  CHECK(std::string(std::istreambuf_iterator<char>(file), {}) == "new");
  CHECK(has(error_of([&] { check_writable((folder / "none" / "a").string()); }), "none"));
  CHECK(has(error_of([&] { write_file(folder.string(), ""); }), folder.string()));
  std::filesystem::remove_all(folder);
  const Checkpoint checkpoint = read_checkpoint(weights("fashion_mnist/resnet32.pth"));
  CHECK(checkpoint.tensors.contains("conv1.weight"));
  CHECK(thread_count({.threads = 3}) == 3);
  CHECK(thread_count({}) >= 1);
  CHECK(measure_peak_gflops(1) > 0);
}
