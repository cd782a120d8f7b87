// JSON from outside, wherever a file holds some: what is hostile in it is refused in one line that
// tells the place.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "bert_tokenizer.h"
#include "formats_refused.h"
#include "json_field.h"
#include "text_checkpoint.h"
#include "tried_files.h"

using namespace sidenet;
using namespace sidenet::testing;
using namespace std::string_literals;
using nlohmann::json;

namespace {

using Metadata = std::map<std::string, std::string>;

const std::string kTensor = R"({"dtype":"U8","shape":[0],"data_offsets":[0,0]})";

std::string quoted_number(int i) { return "\"" + std::to_string(i) + "\""; }

/// "{0:VALUE,1:VALUE,…}", the keys in quotes.
std::string object_of(int count, const std::string& value) {
  std::string text = "{";
  for (int i = 0; i < count; ++i) text += (i == 0 ? "" : ",") + quoted_number(i) + ":" + value;
  return text + "}";
}

std::string list_of(int count, const std::string& value) {
  std::string text = "[";
  for (int i = 0; i < count; ++i) text += (i == 0 ? "" : ",") + value;
  return text + "]";
}

void check_header_refused(const std::string& header, const std::string& words) {
  CAPTURE(header.substr(0, 200));
  check_refused(safetensors(header, ""), words);
}

/// A text model with every metadata field, which tests then spoil.
struct ModelFile {
  files::Folder folder;
  Checkpoint good;

  ModelFile() {
    const TextCheckpoint checkpoint(random_bert(4, small_bert()), config_of(small_bert()));
    checkpoint.folder.write("vocab.txt", lines(small_vocabulary()));
    const std::string path = folder.path + "/model.safetensors";
    checkpoint.import().save(path);
    good = read_checkpoint(path);
    good.metadata["sidenet.final"] = R"({"temperature": 1})";
    good.metadata["sidenet.certificate"] = R"({"risk": "drop"})";
  }

  std::string refusal(const std::string& key, const std::string& text) const {
    Metadata metadata = good.metadata;
    metadata[key] = text;
    const std::string spoilt = folder.path + "/spoilt.safetensors";
    write_safetensors(spoilt, good.tensors, metadata);
    const std::string message = files::error_of([&] {
      ++sidenet::testing::tried_files;
      Model::load(spoilt);
    });
    CHECK_MESSAGE(files::is_one_line(message), message);
    const std::string place = spoilt + ": metadata '" + key + "'";
    CHECK_MESSAGE(message.starts_with(place), message);
    return message.substr(std::min(message.size(), place.size()));
  }
};

/// What of the file's JSON is refused, with `text` as config.json of a good checkpoint.
std::string config_refusal(const std::string& text) {
  const TextCheckpoint checkpoint(random_bert(1, small_bert()));
  const std::string path = checkpoint.folder.write("config.json", text);
  const std::string message = files::error_of([&] {
    ++sidenet::testing::tried_files;
    checkpoint.import();
  });
  CHECK_MESSAGE(files::is_one_line(message), message);
  CHECK_MESSAGE(message.starts_with(path + ": "), message);
  return message.substr(std::min(message.size(), path.size() + 2));
}

std::string tokenizer_refusal(const std::string& text) {
  const std::string message = files::error_of([&] {
    ++sidenet::testing::tried_files;
    BertTokenizer(read_tokenizer(text, {}, "x"), "x");
  });
  CHECK_MESSAGE(files::is_one_line(message), message);
  CHECK_MESSAGE(message.starts_with("x: "), message);
  return message.substr(std::min<std::size_t>(message.size(), 3));
}

/// The third line of a data set.
std::string row_refusal(const std::string& line) {
  const files::Folder folder;
  const std::string path = folder.write(
      "rows.jsonl", "{\"text\":\"a\",\"label\":0}\n{\"text\":\"b\",\"label\":1}\n" + line + "\n");
  const std::string message = files::error_of([&] {
    ++sidenet::testing::tried_files;
    Dataset::open(path);
  });
  CHECK_MESSAGE(files::is_one_line(message), message);
  CHECK_MESSAGE(message.starts_with(path + ":3: "), message);
  return message.substr(std::min(message.size(), path.size() + 4));
}

}  // namespace

TEST_CASE("a key twice: safetensors header, top level") {
  check_header_refused(R"({"a":)" + kTensor + R"(,"b":)" + kTensor + R"(,"a":)" + kTensor + "}",
                       "the header has tensor \"a\" twice");
  check_header_refused(R"({"a":)" + kTensor + R"(,"\u0061":)" + kTensor + "}",
                       "the header has tensor \"a\" twice");
  check_header_refused(R"({"__metadata__":{},"__metadata__":{}})",
                       "the header has __metadata__ twice");
}
TEST_CASE("a key twice: a tensor of a safetensors header") {
  for (const char* field : {R"("dtype":"U8")", R"("shape":[0])", R"("data_offsets":[0,0])"}) {
    const std::string key(field + 1, std::strchr(field + 1, '"'));
    check_header_refused("{\"a\":" + kTensor.substr(0, kTensor.size() - 1) + "," + field + "}}",
                         "tensor \"a\": " + key + " occurs twice");
  }
}
TEST_CASE("a key twice: __metadata__ of a safetensors header") {
  check_header_refused(R"({"__metadata__":{"k":"1","k":"1"}})", "__metadata__ has \"k\" twice");
}
TEST_CASE("a key twice: metadata of a model file") {
  const ModelFile model;
  for (const auto& [key, text] : model.good.metadata) {
    if (!text.starts_with("{")) continue;
    CHECK(model.refusal(key, text.substr(0, text.size() - 1) + ",\"k\":1,\"k\":1}") ==
          ".k: expected each key once, got \"k\" again");
  }
  CHECK(model.refusal("sidenet.exits", R"([{"name":"a","tap":"x","name":"b"}])") ==
        "[0].name: expected each key once, got \"name\" again");
  CHECK(model.refusal("sidenet.certificate", R"({"risk":"drop","thresholds":{"a":0.5,"a":0.1}})") ==
        ".thresholds.a: expected each key once, got \"a\" again");
  CHECK(model.refusal("sidenet.architecture", R"({"name":"x","settings":{"a":"","a":""}})") ==
        ".settings.a: expected each key once, got \"a\" again");
}
TEST_CASE("a piece twice in sidenet.vocabulary") {
  const ModelFile model;
  json pieces = json::parse(model.good.metadata.at("sidenet.vocabulary"));
  pieces[7] = pieces[5];
  Metadata metadata = model.good.metadata;
  metadata["sidenet.vocabulary"] = pieces.dump();
  const std::string path = model.folder.path + "/twice.safetensors";
  write_safetensors(path, model.good.tensors, metadata);
  CHECK(files::error_of([&] {
          ++sidenet::testing::tried_files;
          Model::load(path);
        }).find("expected each piece once, got \"the\" again") != std::string::npos);
}
TEST_CASE("a key twice: config.json") {
  CHECK(config_refusal(R"({"hidden_size":12,"hidden_size":12})") ==
        "hidden_size: expected each key once, got \"hidden_size\" again");
  CHECK(config_refusal(R"({"x":[{"id2label":{"0":"a","0":"b"}}]})") ==
        "x[0].id2label.0: expected each key once, got \"0\" again");
}
TEST_CASE("a key twice: tokenizer.json") {
  CHECK(tokenizer_refusal(R"({"version":"1.0","version":"1.0"})") ==
        "version: expected each key once, got \"version\" again");
  CHECK(tokenizer_refusal(R"({"model":{"vocab":{"a":0},"vocab":{"b":0}}})") ==
        "model.vocab: expected each key once, got \"vocab\" again");
  CHECK(tokenizer_refusal(R"({"added_tokens":[{"id":1,"id":2}]})") ==
        "added_tokens[0].id: expected each key once, got \"id\" again");
  CHECK(tokenizer_refusal(R"({"model":{"vocab":{"a":0,"a":0}}})") ==
        "model.vocab.a: expected an id that no other piece has, got 0");
}
TEST_CASE("a key twice: a line of .jsonl") {
  CHECK(row_refusal(R"({"text":"a","label":0,"text":"b"})") ==
        "text: expected each key once, got \"text\" again");
  CHECK(row_refusal(R"({"text":"a","label":0,"x":1,"x":1})") ==
        "x: expected each key once, got \"x\" again");
  CHECK(row_refusal(R"({"text":"a","label":0,"x":[0,{"y":1,"y":1}]})") ==
        "x[1].y: expected each key once, got \"y\" again");
}

TEST_CASE("a NUL does not end the JSON") {
  check_header_refused("{\"a\":" + kTensor + "}\0"s, "header: malformed JSON at byte");
  check_header_refused("{}\0{\"a\":1}"s, "header: malformed JSON at byte 11: a NUL");
  const ModelFile model;
  for (const auto& [key, text] : model.good.metadata) {
    if (text.starts_with("{") || text.starts_with("["))
      CHECK(model.refusal(key, text + "\0"s) ==
            ": malformed JSON at byte " + std::to_string(text.size() + 1) + ": a NUL");
  }
  CHECK(config_refusal("{}\0"s) == "malformed JSON at byte 3: a NUL");
  CHECK(tokenizer_refusal("{}\0"s) == "malformed JSON at byte 3: a NUL");
  CHECK(row_refusal("{\"text\":\"a\",\"label\":0}\0{"s) ==
        "malformed JSON at byte 23 of the line: a NUL");
}

TEST_CASE("a million levels") {
  for (const std::string part : {"[", "{\"a\":"}) {
    std::string deep;
    for (int i = 0; i < 1'000'000; ++i) deep += part;
    check_header_refused("{\"a\":" + deep,
                         "header: expected JSON of at most 8 levels, got more at byte ");
    const ModelFile model;
    CHECK(model.refusal("sidenet.exits", deep)
              .starts_with(": expected JSON of at most 64 levels, got more at byte "));
    CHECK(config_refusal(deep.substr(0, 4 << 20))
              .starts_with("expected JSON of at most 64 levels, got more at byte "));
    CHECK(tokenizer_refusal("{\"a\":" + deep)
              .starts_with("expected JSON of at most 32 levels, got more at byte "));
    CHECK(row_refusal("{\"text\":\"a\",\"label\":0,\"x\":" + deep)
              .starts_with("expected JSON of at most 64 levels, got more at byte "));
  }
}

TEST_CASE("huge counts") {
  check_header_refused(object_of(100'001, kTensor),
                       "header.100000: expected at most 100000 tensors, got more");
  check_header_refused(object_of(400'000, kTensor),
                       "header: expected JSON of at most 2000000 values, got more at byte ");
  check_header_refused("{\"__metadata__\":" + object_of(65'537, "\"\"") + "}",
                       "header.__metadata__.65536: expected at most 65536 keys, got more");
  check_header_refused("{\"a\":{\"shape\":" + list_of(65, "0"),
                       "tensor \"a\": shape: expected at most 64 numbers, got more");
  const ModelFile model;
  CHECK(model.refusal("sidenet.labels", list_of(262'145, "\"\"")) ==
        "[262144]: expected at most 262144 strings, got more");
  CHECK(model.refusal("sidenet.vocabulary", list_of(800'001, "\"\"")) ==
        "[800000]: expected at most 800000 strings, got more");
  CHECK(model.refusal("sidenet.exits", list_of(65'536, "0"))
            .starts_with(": expected JSON of at most 65536 values, got more"));
  CHECK(config_refusal(list_of(262'144, "0"))
            .starts_with("expected JSON of at most 262144 values, got more"));
  CHECK(config_refusal("[" + std::string(8 << 20, ' ') + "]")
            .starts_with("expected JSON of at most 8388608 bytes, got 8388610"));
  CHECK(tokenizer_refusal("{\"a\":" + list_of(65'536, "0") + "}") ==
        "a[65534]: expected JSON of at most 65536 values, got more");
  CHECK(tokenizer_refusal(R"({"model":{"vocab":{"a":800000}}})") ==
        "model.vocab.a: expected an id below 800000, got 800000");
  CHECK(tokenizer_refusal(R"({"model":{"vocab":{"a":799999}}})") ==
        "model.unk_token: expected a value, got none");  // ids may have gaps
  CHECK(row_refusal("{\"x\":" + list_of(200'000, "0") + "}")
            .starts_with("expected JSON of at most 200000 values, got more"));
}

TEST_CASE("long strings") {
  const std::string mebibyte(1 << 20, 'x');
  check_header_refused(
      "{\"__metadata__\":{\"a\":\"" + std::string((32 << 20) + 1, 'x') + "\"}}",
      "header: expected strings of at most 33554432 bytes, got a longer one at byte 31");
  CHECK(config_refusal("{\"a\":\"" + mebibyte + "x\"}") ==
        "expected strings of at most 1048576 bytes, got a longer one at byte 7");
  CHECK(tokenizer_refusal("{\"" + mebibyte + "x\":0}") ==
        "expected strings of at most 1048576 bytes, got a longer one at byte 3");
}

TEST_CASE("a header of 2^63 bytes") {
  for (const std::uint64_t size : {std::uint64_t{1} << 63, ~std::uint64_t{0},
                                   (std::uint64_t{1} << 63) - 8, std::uint64_t{100'000'001}})
    check_refused(little_endian(size) + "{}",
                  "header size: expected at most 100000000 bytes, got " + std::to_string(size));
}

TEST_CASE("huge and odd numbers") {
  const auto shaped = [](const std::string& extent) {
    return R"({"a":{"dtype":"U8","shape":[)" + extent + R"(],"data_offsets":[0,0]}})";
  };
  check_header_refused(
      shaped("18446744073709551615"),
      "tensor \"a\": shape: expected extents below 2^63, got 18446744073709551615");
  check_header_refused(
      shaped("18446744073709551616"),
      "header.a.shape[0]: expected a number from 0 to 2^64 - 1, got a number that is no integer");
  check_header_refused(shaped("-1"), "got a negative number");
  check_header_refused(shaped("-0"), "got a negative number");
  check_header_refused(shaped("1e999"), "a number beyond 64-bit floating point");
  check_header_refused(shaped("NaN"), "header: malformed JSON at byte 37");
  check_header_refused(shaped(std::string(2'000'000, '9')), "header: ");
  const ModelFile model;
  for (const char* number : {"1e999", "-1e999", "NaN", "Infinity"})
    CHECK(model.refusal("sidenet.final", "{\"temperature\":" + std::string(number) + "}")
              .starts_with(": malformed JSON at byte "));
  for (const char* number : {"1e300", "0", "-1", "18446744073709551616", "\"1\"", "null", "[1]"})
    CHECK(model.refusal("sidenet.final", "{\"temperature\":" + std::string(number) + "}")
              .starts_with(".temperature: expected a number from 1e-06 to 1000000.0, got "));
  CHECK(config_refusal(R"({"num_attention_heads": 18446744073709551615})") ==
        "num_attention_heads: expected an integer from 1 to 4096, got 18446744073709551615");
  CHECK(config_refusal(R"({"num_attention_heads": 3.0})") ==
        "num_attention_heads: expected an integer from 1 to 4096, got 3.0");
  CHECK(tokenizer_refusal(R"({"model":{"vocab":{"a":18446744073709551616}}})") ==
        "model.vocab.a: expected an id, got a number that is no integer");
}

TEST_CASE("tensors that overlap are refused before any is copied") {
  const std::string one = R"({"dtype":"F32","shape":[1000000],"data_offsets":[1,4000001]})";
  check_refused(safetensors("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}," +
                                object_of(10'000, one).substr(1),
                            std::string(4'000'001, '\0')),
                "overlaps the one before it");
}

TEST_CASE("metadata that a message shows stays on one line") {
  const ModelFile model;
  CHECK(model.refusal("sidenet.final", "{\"temperature\":\"a\\nb\\u0000\"}") ==
        ".temperature: expected a number from 1e-06 to 1000000.0, got \"a\\nb\\u0000\"");
  CHECK(model.refusal("sidenet.exits", "[{\"a\\nb\":1,\"a\\nb\":1}]") ==
        "[0].\"a\\nb\": expected each key once, got \"a\\nb\" again");
}
