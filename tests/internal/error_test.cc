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

TEST_CASE("what a terminal would act on, or not show, is escaped") {
  CHECK(printable_line("\xc2\x9b") == "\\u009b");              // CSI
  CHECK(printable_line("\xc2\xad") == "\\u00ad");              // a soft hyphen
  CHECK(printable_line("\xd8\x9c") == "\\u061c");              // the Arabic letter mark
  CHECK(printable_line("\xe1\xa0\x8e") == "\\u180e");          // the Mongolian vowel separator
  CHECK(printable_line("\xe2\x80\x8d") == "\\u200d");          // the joiner without width
  CHECK(printable_line("\xe2\x80\xa8") == "\\u2028");          // a line separator
  CHECK(printable_line("\xe2\x80\xae") == "\\u202e");          // right to left
  CHECK(printable_line("\xe2\x81\xa6") == "\\u2066");          // an isolate
  CHECK(printable_line("\xef\xbb\xbf") == "\\ufeff");          // the byte order mark
  CHECK(printable_line("\xef\xbf\xb9") == "\\ufff9");          // an annotation
  CHECK(printable_line("\xef\xbf\xbf") == "\\uffff");          // no character
  CHECK(printable_line("\xf3\xa0\x81\x81") == "\\U000e0041");  // a tag
  CHECK(printable_line("\xf4\x8f\xbf\xbe") == "\\U0010fffe");  // no character
  CHECK(printable_line("\xe2\x80\x93") == "–");                // what stands between them stays
  CHECK(printable_line("\xe2\x9c\x94\xef\xb8\x8f") == "\u2714\ufe0f");  // and variation selectors
  CHECK(printable_line("שלום") == "שלום");
}

TEST_CASE("a message has an end") {
  const std::string head(1500, 'h'), tail(400, 't');
  CHECK(printable_line(head + std::string(10'000'000, 'm') + tail) == head + " ... " + tail);
  CHECK(printable_line(std::string(2000, 'x')).size() == 2000);
}
