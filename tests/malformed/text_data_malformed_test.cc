#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "../internal/image_files.h"
#include "sidenet/dataset.h"
#include "text_dataset.h"
#include "tried_files.h"

using namespace sidenet;
using namespace files;

namespace {

TextColumns columns(const std::string& text, const std::string& label,
                    const std::string& pair = "") {
  TextColumns result;
  result.text = text;
  result.label = label;
  result.pair = pair;
  return result;
}

/// One line that has `part`; "FILE" in it stands for the file's path.
void check_refused(const std::string& name, const Bytes& bytes, std::string part,
                   const TextColumns& columns = {}) {
  const Folder folder;
  const std::string path = folder.write(name, bytes);
  if (part.rfind("FILE", 0) == 0) part.replace(0, 4, path);
  DatasetOptions options;
  options.columns = columns;
  const std::string message = error_of([&] {
    ++sidenet::testing::tried_files;
    Dataset::open(path, options);
  });
  CAPTURE(message);
  CAPTURE(part);
  CHECK(is_one_line(message));
  CHECK(message.find(part) != Bytes::npos);
}

/// Opens and reads `bytes` in a format; the number of rows, or -1 where it is refused in one line.
std::int64_t rows_of(const Bytes& bytes, TextFormat format, const TextColumns& columns = {}) {
  TextFile file;
  file.file = {"x", view(bytes), nullptr};
  file.format = format;
  std::int64_t rows = -1;
  const std::string message = error_of([&] {
    ++sidenet::testing::tried_files;
    const auto data = text_dataset({file}, columns);
    for (std::int64_t row = 0; row < data->rows(); ++row) {
      CHECK(!data->text(row).first.empty());
      CHECK(data->label(row) >= 0);
      CHECK(data->label(row) < static_cast<int>(data->class_names().size()));
    }
    rows = data->rows();
  });
  if (rows < 0) CHECK(is_one_line(message));
  return rows;
}

struct Sample {
  TextFormat format;
  Bytes bytes;
  TextColumns columns;
};

const std::vector<Sample>& samples() {
  static const std::vector<Sample> all{
      {TextFormat::tsv, "sentence\tlabel\na caf\xc3\xa9\t1\r\n\nb c\t0\nd e\t1\n", {}},
      {TextFormat::csv,
       "label,text\r\n1,\"a, \"\"b\"\"\r\nc\"\r\n\"0\",d \xe2\x82\xac\r\n1,e f\r\n",
       {}},
      {TextFormat::csv, "\"1\",\"a b\",\"c d e f g h i j k\"\n\"2\",\"k\",\"l m\"\n",
       columns("2,3", "1")},
      {TextFormat::jsonl,
       "{\"text\":\"a \\u00e9\",\"label\":1,\"x\":[{}]}\n{\"label\":true,\"text\":\"b\\n\"}\n",
       {}},
      {TextFormat::trec, "NUM:dist How far ?\nHUM:desc Who ?\nLOC:city Where ?\n", {}},
  };
  return all;
}

}  // namespace

TEST_CASE("no rows") {
  check_refused("x.tsv", "", "FILE: expected rows, got none");
  check_refused("x.csv", "\n\r\n\n", "FILE: expected rows, got none");
  check_refused("x.jsonl", "\xef\xbb\xbf", "FILE: expected rows, got none");
  check_refused("x.tsv", "text\tlabel\n", "FILE: expected rows, got a header alone");
  check_refused("x.tsv.gz", gzip("text\tlabel\n"), "FILE: expected rows, got a header alone");
}

TEST_CASE("other numbers of columns") {
  check_refused("x.tsv", "text\tlabel\na b\t1\nc d\n", "FILE:3: expected 2 columns, got 1");
  check_refused("x.tsv", "text\tlabel\na\tb\t1\n", "FILE:2: expected 2 columns, got 3");
  check_refused("x.csv", "text,label\n\"a\nb\",1\n\nc,d,0\n", "FILE:5: expected 2 columns, got 3");
  check_refused("x.tsv", Bytes(1000, '\t'), "FILE:1: expected at most 256 columns, got more");
  check_refused("x.csv", Bytes(5000, ','), "FILE:1: expected at most 256 columns, got more");
}

TEST_CASE("columns that are not there") {
  const Bytes lines = "text\tlabel\na b\t1\n";
  check_refused("x.tsv", lines,
                "FILE: --text-column: expected a name or a number from 1 to 2, got 'body'; the "
                "columns are 1 'text', 2 'label'",
                columns("body", ""));
  check_refused("x.tsv", lines, "--label-column: expected a name or a number from 1 to 2, got '3'",
                columns("", "3"));
  check_refused("x.tsv", lines, "--label-column: expected a name or a number from 1 to 2, got '0'",
                columns("", "0"));
  check_refused("x.tsv", lines, "--pair-column: expected a name",
                columns("", "", "99999999999999999999999"));
  check_refused("x.tsv", lines, "--text-column: expected a name or a number from 1 to 2, got ''",
                columns("text,", ""));
  check_refused(
      "x.tsv", "a b\t1\n",
      "--label-column: expected a number from 1 to 2, got 'mood'; the columns are 1 ('a b')",
      columns("1", "mood"));
  check_refused("x.tsv", lines,
                "FILE: expected different columns for text and label, got column 'text' twice",
                columns("text", "1"));
  check_refused("x.tsv", lines, "got column 'text' twice", columns("1,1", "2"));
  check_refused("x.tsv", "text\ttext\tlabel\na\tb\t1\n", "'text' names several columns",
                columns("text", "label"));
}

TEST_CASE("empty texts and labels") {
  check_refused("x.tsv", "text\tlabel\na b\t1\n \t0\n", "FILE:3: empty text");
  check_refused("x.csv", "text,label\n\"\n\",0\n", "FILE:2: empty text");
  check_refused("x.jsonl", "{\"text\":\"\",\"label\":0}\n", "FILE:1: empty text");
  check_refused("x.txt", "NUM:dist a ?\nNUM:dist  \n", "FILE:2: empty text");
  check_refused("x.tsv", "a b\t \t1\n", "FILE:1: empty text", columns("1", "3", "2"));
  check_refused("x.tsv", "text\tlabel\na b\t\n",
                "FILE:2: column 'label': expected a label, got none");
  check_refused("x.csv", "a b, \n", "FILE:1: column 2: expected a label, got none",
                columns("1", "2"));
  check_refused("x.jsonl", "{\"text\":\"a\",\"label\":\" \"}\n",
                "FILE:1: key 'label': expected a label, got none");
}

TEST_CASE("csv: quotes that are not closed, or closed early") {
  check_refused("x.csv", "text,label\na,1\n\"b,0\nc,1\n",
                "FILE:3: expected a closing quote, got the end of the file");
  check_refused(
      "x.csv", "text,label\n\"a\nb\" c,0\n",
      "FILE:3: expected a comma or the end of the line after a closing quote, got ' c,0'");
  check_refused("x.csv", "text,label\n\"a\"\r,0\n", "FILE:2: expected a comma");
  check_refused("x.csv", "\"", "FILE:1: expected a closing quote");
}

TEST_CASE("fields over 1 MiB") {
  const Bytes large(kMaxCellBytes + 1, 'x'), most(kMaxCellBytes, 'x');
  const Folder folder;
  CHECK(Dataset::open(folder.write("x.tsv", "label\ttext\n1\t" + most + "\n"))->text(0).first ==
        most);
  check_refused("x.tsv", "label\ttext\n1\t" + large + "\n",
                "FILE:2: expected at most 1048576 bytes in a field, got more");
  check_refused(
      "x.csv", "label,text\n1,a\n1,\"" + large,
      "FILE:3: expected at most 1048576 bytes in a field, got more; is a quote left open?");
  check_refused("x.csv", "label,text\n1," + large, "FILE:2: expected at most 1048576 bytes");
  check_refused("x.jsonl", "{\"label\":1,\"text\":\"" + large + "\"}",
                "FILE:1: key 'text': expected at most 1048576 bytes, got 1048577");
  check_refused("x.txt", "NUM:x " + large, "FILE:1: expected at most 1048576 bytes");
  TextColumns latin1;  // twice as long as UTF-8
  latin1.encoding = TextEncoding::latin1;
  const Bytes accents(kMaxCellBytes, '\xe9');
  CHECK(rows_of("label,text\n1,\"" + accents + "\"\n", TextFormat::csv, latin1) == 1);
  check_refused("x.csv", "label,text\n1,\"" + accents + "\"\"" + accents + "\"\n",
                "FILE:2: expected at most 1048576 bytes", latin1);
}

TEST_CASE("jsonl: not one object, no such key, other values, keys twice") {
  const Bytes good = "{\"text\":\"a\",\"label\":1}\n";
  check_refused("x.jsonl", good + "{\"text\":\"a\",\"label\":1\n",
                "FILE:2: malformed JSON at byte 22 of the line");
  check_refused("x.jsonl", good + good.substr(0, 22) + good,
                "FILE:2: malformed JSON at byte 23 of the line");
  check_refused("x.jsonl", "[1]\n", "FILE:1: expected one JSON object a line, got a list");
  check_refused("x.jsonl", good + "\"text\"\n", "FILE:2: expected one JSON object, got a string");
  check_refused("x.jsonl", good + "null\n", "FILE:2: expected one JSON object, got null");
  check_refused("x.jsonl", good + "{\"text\":\"a\"}\n",
                "FILE:2: key 'label': expected a string, number or boolean, got no such key");
  check_refused("x.jsonl", good + "{\"text\":null,\"label\":1}\n",
                "FILE:2: key 'text': expected a string, number or boolean, got null");
  check_refused("x.jsonl", good + "{\"text\":\"a\",\"label\":[1]}\n",
                "FILE:2: key 'label': expected a string, number or boolean, got a list");
  check_refused("x.jsonl", good + "{\"text\":{\"text\":1},\"label\":1}\n",
                "FILE:2: key 'text': expected a string, number or boolean, got an object");
  check_refused("x.jsonl", good + "{\"text\":\"a\",\"label\":1,\"label\":2}\n",
                "FILE:2: label: expected each key once, got \"label\" again");
  check_refused("x.jsonl", "{\"text\":\"a\",\"text\":1}\n",
                "FILE:1: text: expected each key once, got \"text\" again");
  check_refused("x.jsonl", good + Bytes("{\"text\":\"a\",\"label\":1}\0x\n", 25),
                "FILE:2: malformed JSON at byte 23 of the line: a NUL");
  check_refused("x.jsonl", good + "{\"text\":\"\\ud800\",\"label\":1}\n",
                "FILE:2: malformed JSON at byte 10 of the line: half a surrogate pair");
  check_refused(
      "x.jsonl", "{\"text\":\"a\",\"label\":1e999}\n",
      "FILE:1: malformed JSON at byte 25 of the line: a number beyond 64-bit floating point");
  check_refused("x.jsonl", "{}\n", "not clear");
  check_refused("x.jsonl", good + Bytes(60, '[') + "\n",
                "FILE:2: expected one JSON object, got a list");
  check_refused("x.jsonl", good + "{\"x\":" + Bytes(100000, '[') + "\n",
                "FILE:2: expected JSON of at most 64 levels, got more at byte 69 of the line");
  Bytes keys = "{\"k\":0";
  for (int i = 0; i < 1000; ++i) keys += ",\"" + std::to_string(i) + "\":0";
  check_refused("x.jsonl", keys + "}\n", "FILE:1: 255: expected at most 256 keys, got more");
}

TEST_CASE("TREC: lines of another kind") {
  const Bytes good = "NUM:dist How far ?\n";
  for (const char* line : {":x Who ?", "Who ?", "Who is : he", "NUM:dist", "NUM", "NUM Who:x"}) {
    CAPTURE(line);
    CHECK(rows_of(good + line + "\n", TextFormat::trec) == -1);
  }
  Bytes many;
  for (int i = 0; i < 2000; ++i) many += good;
  check_refused("x.txt", many + "Who ?\n",
                "FILE:2001: expected LABEL:detail, a blank and the text, got 'Who ?'");
}

TEST_CASE("text of no known format") {
  check_refused("x.txt", "some text\nmore text\n",
                "FILE:1: expected images, or texts as .tsv, .csv, .jsonl or TREC's lines");
  check_refused("x.pos", "a\tb\nno tab\n", "FILE:2: expected images, or texts");
  check_refused("x", Bytes("a\tb\0\n", 5), "expected IDX, tar, or CIFAR");
}

TEST_CASE("invalid UTF-8 in every format") {
  check_refused("x.tsv", "text\tlabel\na\xff\t1\n",
                "FILE:2: invalid UTF-8 at byte 2 of the line; give --encoding latin-1");
  check_refused("x.csv", "text,label\n\"a\nb\xc3\",1\n",
                "FILE:3: invalid UTF-8 at byte 2 of the line");
  check_refused("x.jsonl", "{\"text\":\"\xe9\",\"label\":1}\n",
                "FILE:1: invalid UTF-8 at byte 10 of the line");
  check_refused("x.txt", "NUM:x a\xf0\x9f\x98\n", "FILE:1: invalid UTF-8 at byte 8 of the line");
  check_refused("x.tsv",
                "\xff\xfe"
                "t",
                "FILE: UTF-16: expected an even number of bytes, got 3: is it cut short?");
  // "a", LF, half a pair, "z".
  const Bytes halved("\xff\xfe\x61\0\x0a\0\x3d\xd8\x7a\0", 10);
  check_refused("x.tsv", halved, "FILE:2: invalid UTF-16: half a surrogate pair at byte 7");
  check_refused("x.tsv", Bytes("\xfe\xff\xde\x00", 4), "FILE:1: invalid UTF-16");
}

TEST_CASE("lists of objects") {
  check_refused("x.json", "[{\"text\": \"a b\", \"label\": 1} {\"text\": \"b\"}]",
                "FILE:1: expected a comma or ]");
  check_refused("x.json", "[{\"text\": \"a b\", \"label\": 1},\n]",
                "FILE:2: expected an object ({…})");
  check_refused("x.json", "[{\"text\": \"a b\", \"label\": 1}", "got the end of the file");
  check_refused("x.json", "[{\"text\": \"a b\", \"label\": 1", "expected the } of this object");
  check_refused("x.json", "[{\"text\": \"a b\", \"label\": 1}] x",
                "the end of the file behind the list");
  check_refused("x.json", "[]", "expected rows, got none");
  check_refused("x.json", "[1, 2]", "FILE:1: expected an object ({…}), got '1, 2]'");
  check_refused("x.json", "[{\"text\": \"a b\", \"label\": 1},\n{\"text\": }]",
                "FILE:2: malformed JSON");
  check_refused("x.json", "[{]", "FILE:1: malformed JSON");
  check_refused("x.json", "[{\"a\": 1}", "got the end of the file");
}

TEST_CASE("too many classes") {
  Bytes lines = "text\tlabel\n";
  for (int i = 0; i < 65536; ++i) lines += "t\t" + std::to_string(i) + "\n";
  CHECK(rows_of(lines, TextFormat::tsv) == 65536);
  check_refused("x.tsv", lines + "t\tone more\n",
                "FILE:65538: column 'label': expected at most 65536 classes, got more");
}

TEST_CASE("cut short anywhere: an Error, or fewer rows") {
  for (const Sample& sample : samples()) {
    const std::int64_t whole = rows_of(sample.bytes, sample.format, sample.columns);
    CAPTURE(sample.bytes);
    CHECK(whole >= 2);
    for (std::size_t size = 0; size < sample.bytes.size(); ++size) {
      CAPTURE(size);
      CHECK(rows_of(sample.bytes.substr(0, size), sample.format, sample.columns) <= whole);
      CHECK(rows_of(sample.bytes.substr(0, size), sample.format, {}) <= whole + 1);
    }
  }
}

TEST_CASE("any byte changed, read as any format: an Error, or rows") {
  for (const Sample& sample : samples()) {
    for (std::size_t at = 0; at < sample.bytes.size(); ++at) {
      for (const char byte : {'"', '\t', ',', '\n', '\r', '{', '\0', '\xff', ' '}) {
        Bytes bad = sample.bytes;
        bad[at] = byte;
        for (const TextFormat format :
             {TextFormat::tsv, TextFormat::csv, TextFormat::jsonl, TextFormat::trec}) {
          TextColumns others = sample.columns;
          CHECK(rows_of(bad, format, others) <= 8);
          others.encoding = at % 2 == 0 ? TextEncoding::latin1 : TextEncoding::windows1252;
          others.quotes = at % 2 == 0 ? Quotes::doubled : Quotes::text;
          others.drop_empty = true;
          CHECK(rows_of(bad, format, others) <= 8);
        }
      }
    }
  }
}

TEST_CASE("packed files: cut short anywhere") {
  const Folder folder;
  const Bytes packed = gzip(samples()[0].bytes);
  for (std::size_t size = 0; size < packed.size(); ++size) {
    const std::string path = folder.write("x.tsv.gz", packed.substr(0, size));
    CHECK(is_one_line(error_of([&] {
      ++sidenet::testing::tried_files;
      Dataset::open(path);
    })));
  }
}
