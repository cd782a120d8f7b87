// Tables row by row, with all their cells, and tables that are written.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "sidenet/text_table.h"

#include <doctest/doctest.h>

#include "file_bytes.h"
#include "image_files.h"
#include "sidenet/error.h"

using namespace sidenet;
using namespace files;

namespace {

using Strings = std::vector<std::string>;

struct Read {
  Strings columns, texts, errors;
  std::vector<Strings> cells;
};

Read read(const std::string& path, const TextColumns& columns = {}) {
  const auto table = TextTable::open(path, columns, true);
  Read all;
  all.columns = table->columns();
  for (TextTable::Row row; table->next(row);) {
    all.texts.push_back(row.text.first);
    all.errors.push_back(row.error.substr(row.error.rfind('/') + 1));
    Strings cells;
    for (const TableCell& cell : row.cells) cells.push_back(cell.text);
    all.cells.push_back(cells);
  }
  return all;
}

Read read(const std::string& name, const Bytes& bytes, const TextColumns& columns = {}) {
  const Folder folder;
  return read(folder.write(name, bytes), columns);
}

/// The file that a copy of all rows makes.
Bytes copy(const std::string& from, const Bytes& bytes, const std::string& to) {
  const Folder folder;
  const auto table = TextTable::open(folder.write(from, bytes), {}, true);
  TableWriter writer(folder.path + "/" + to, table->columns());
  for (TextTable::Row row; table->next(row);) writer.write(row.cells);
  CHECK(!std::filesystem::exists(folder.path + "/" + to));
  writer.commit();
  const FileBytes written = read_file_bytes(folder.path + "/" + to);
  return {reinterpret_cast<const char*>(written.bytes.data()), written.bytes.size()};
}

}  // namespace

TEST_CASE("every row has its place, with what it lacks") {
  const Read csv = read("x.csv", ", text ,label\n0,a b,\n1,,pos\n2,c d\n3,\"e,\nf\",neg\n4,g,h,i\n",
                        {.text = "2"});
  CHECK(csv.columns == Strings{"", " text ", "label"});
  CHECK(csv.cells == std::vector<Strings>{{"0", "a b", ""},
                                          {"1", "", "pos"},
                                          {"2", "c d", ""},
                                          {"3", "e,\nf", "neg"},
                                          {"4", "g", "h"}});
  CHECK(csv.errors ==
        Strings{"", "x.csv:3: empty text", "x.csv:4: expected 3 columns, got 2", "",
                "x.csv:7: expected 3 columns, got 4; is there a comma in a text without quotes?"});
  CHECK(csv.texts[3] == "e,\nf");
}

TEST_CASE("keys of all objects are columns") {
  const Read jsonl = read("x.jsonl",
                          "{\"text\":\"a b\",\"n\":1.0}\n{\"text\":null,\"x\":{\"y\":[1,\"}\"]}}\n"
                          "{\"text\":\"c d\",\"z\n{\"u\":true,\"text\":\"e f\"}\n");
  CHECK(jsonl.columns == Strings{"text", "n", "x", "u"});
  CHECK(jsonl.cells == std::vector<Strings>{{"a b", "1.0", "", ""},
                                            {"", "", "{\"y\":[1,\"}\"]}", ""},
                                            {"", "", "", ""},
                                            {"e f", "", "", "true"}});
  CHECK(jsonl.errors[0].empty());
  CHECK(jsonl.errors[1] == "x.jsonl:2: key 'text': expected a string, number or boolean, got null");
  CHECK(jsonl.errors[2].starts_with("x.jsonl:3: malformed JSON"));
}

TEST_CASE("a table without a header has pandas' names; a broken one ends") {
  CHECK(read("x.csv", "a b c,1\nd e f,0\ng h,1\n").columns == Strings{"0", "1"});
  CHECK(read("x.txt", "NUM:x How far ?\nHUM:y Who ?\n").columns == Strings{"label", "text"});
  CHECK(error_of([] {
          read("x.csv", "text,n\na,1\n\"b\"c,2\n");
        }).find("x.csv:3: expected a comma") != Bytes::npos);
  CHECK(error_of([] { read("x.csv", "text,n\n\xff,1\n"); }).find("invalid UTF-8") != Bytes::npos);
}

TEST_CASE("columns of one name are no keys of JSON lines") {
  const Bytes csv = "text,a,a\nx,1,2\n";
  CHECK(copy("x.csv", csv, "y.csv") == csv);
  CHECK(error_of([&] { copy("x.csv", csv, "y.jsonl"); }).find("two columns are called 'a'") !=
        Bytes::npos);
}

TEST_CASE("what is written reads as the same") {
  const Bytes csv = ",text,n\n0,\"a, \"\"b\"\"\n\",1.50\n1,  c ,\n2,\"d\te\",x\n";
  CHECK(copy("x.csv", csv, "y.csv") == ",text,n\n0,\"a, \"\"b\"\"\n\",1.50\n1,  c ,\n2,d\te,x\n");
  CHECK(copy("x.csv", csv, "y.csv.gz") == copy("x.csv", csv, "y.csv"));
  CHECK(copy("x.csv", csv, "y.tsv") ==
        "\ttext\tn\n0\t\"a, \"\"b\"\"\n\"\t1.50\n1\t  c \t\n2\t\"d\te\"\tx\n");
  CHECK(copy("x.csv", "text;n\n\"a;b\";1\nc d,e;2\n", "y.csv") == "text,n\na;b,1\n\"c d,e\",2\n");
  CHECK(copy("x.csv", csv, "y.jsonl") ==
        "{\"\": \"0\", \"text\": \"a, \\\"b\\\"\\u000a\", \"n\": \"1.50\"}\n"
        "{\"\": \"1\", \"text\": \"  c \", \"n\": null}\n"
        "{\"\": \"2\", \"text\": \"d\\u0009e\", \"n\": \"x\"}\n");
  const Bytes json =
      "[{\"text\": \"a\\u00e9\", \"n\": [1,\n 2]},\n {\"n\": null, \"text\": \"\"}, {\"text\": "
      "\"b\"}]";
  CHECK(copy("x.json", json, "y.jsonl") ==
        "{\"text\": \"a\\u00e9\", \"n\": [1, 2]}\n{\"text\": \"\", \"n\": null}\n{\"text\": "
        "\"b\"}\n");
  CHECK(copy("x.json", json, "y.csv") == "text,n\na\xc3\xa9,\"[1, 2]\"\n,\nb,\n");
}

TEST_CASE("a writer refuses other names, other numbers of cells, and keeps what is there") {
  const Folder folder;
  CHECK(error_of([&] {
          TableWriter(folder.path + "/x.parquet", {"a"});
        }).find(".csv, .tsv or .jsonl") != Bytes::npos);
  const std::string old = folder.write("y.csv", "old");
  {
    TableWriter writer(old, {"a", "b"});
    CHECK(error_of([&] { writer.write({{"1"}}); }) == "table: expected 2 cells, got 1");
    writer.write({{"\xff"}, {"2"}});
  }
  CHECK(files::read(old) == "old");
  TableWriter writer(old, {"a"});
  writer.write({{"x\xffy"}});
  writer.commit();
  CHECK(files::read(old) == "a\nx\xef\xbf\xbdy\n");
}
