#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "sidenet/error.h"

#include <doctest/doctest.h>

using sidenet::Error;
using sidenet::printable_line;

TEST_CASE("a message stays one line that shows what is in it") {
  CHECK(printable_line("tensor 'a\nb\x1b[31m\x7f'") == "tensor 'a\\x0ab\\x1b[31m\\x7f'");
  CHECK(printable_line(std::string_view("a\0b", 3)) == "a\\x00b");
  CHECK(std::string(Error("a\r\n").what()) == "a\\x0d\\x0a");
}

TEST_CASE("UTF-8 stays, what is none is escaped") {
  CHECK(printable_line("naïve … 語 😀") == "naïve … 語 😀");
  CHECK(printable_line("\xff\xc3") == "\\xff\\xc3");
  CHECK(printable_line("\xc0\x8a") == "\\xc0\\x8a");                    // LF in two bytes
  CHECK(printable_line("\xed\xa0\x80") == "\\xed\\xa0\\x80");           // a surrogate
  CHECK(printable_line("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // beyond U+10FFFF
  CHECK(printable_line("\xe2\x82") == "\\xe2\\x82");                    // cut short
}

TEST_CASE("what a terminal would act on is escaped") {
  CHECK(printable_line("\xc2\x9b") == "\\xc2\\x9b");           // U+009B, CSI
  CHECK(printable_line("\xe2\x80\xae") == "\\xe2\\x80\\xae");  // U+202E, right to left
  CHECK(printable_line("\xe2\x80\xa8") == "\\xe2\\x80\\xa8");  // U+2028, a line separator
  CHECK(printable_line("\xe2\x81\xa6") == "\\xe2\\x81\\xa6");  // U+2066
  CHECK(printable_line("\xef\xbb\xbf") == "\\xef\\xbb\\xbf");  // U+FEFF
  CHECK(printable_line("\xe2\x80\x93") == "–");
}

TEST_CASE("a message has an end") {
  const std::string head(1500, 'h'), tail(400, 't');
  CHECK(printable_line(head + std::string(10'000'000, 'm') + tail) == head + " ... " + tail);
  CHECK(printable_line(std::string(2000, 'x')).size() == 2000);
}
