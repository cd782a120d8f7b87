#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "html_report.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <regex>
#include <string>

#include "sidenet/error.h"

using namespace sidenet;
using Json = nlohmann::json;

namespace {

const std::string kOpen = R"(<script type="application/json" id="report">)", kClose = "</script>";

/// The text between the data element's tags, as an HTML parser cuts it.
std::string data_of(const std::string& page) {
  const auto begin = page.find(kOpen);
  REQUIRE(begin != std::string::npos);
  return page.substr(begin + kOpen.size(), page.find(kClose, begin) - begin - kOpen.size());
}

std::size_t count(const std::string& text, const std::string& word) {
  std::size_t n = 0;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + word.size()))
    ++n;
  return n;
}

Json report_with(const std::string& label) {
  return {{"format", 1}, {"model", {{"labels", {label}}}}};
}

/// All of `text` without what stands between `open` and `close`.
std::string without(std::string text, const std::string& open, const std::string& close) {
  for (auto begin = text.find(open); begin != std::string::npos; begin = text.find(open, begin)) {
    const auto end = text.find(close, begin + open.size());
    REQUIRE(end != std::string::npos);
    text.erase(begin, end + close.size() - begin);
  }
  return text;
}

}  // namespace

TEST_CASE("the data read back as they were, whatever they hold") {
  for (const std::string text : {
           "plain",
           "</script><script>alert(1)</script>",
           "<!--<script>",
           "</SCRIPT >",
           "a\"b\\c\n\t\x01",
           "]]>",
           "&lt;&#60;",
           "{{DATA}}{{SCRIPT}}",
           "\xe2\x80\xa8 \xe2\x80\xa9",
           "\xd9\x85\xd8\xb1\xd8\xad\xd8\xa8\xd8\xa7 \xf0\x9f\x98\x80",
       }) {
    CAPTURE(text);
    const Json report = report_with(text);
    const std::string data = data_of(html_report(report));
    CHECK(Json::parse(data) == report);
    CHECK(data.find('<') == std::string::npos);
  }
}

TEST_CASE("no text adds a tag or a comment to the page") {
  const std::string plain = html_report(report_with("x")),
                    hostile = html_report(report_with("</script><!--<script><img src=//e>"));
  CHECK(count(hostile, "<") == count(plain, "<"));
}

TEST_CASE("keys are escaped as values are") {
  CHECK(data_of(html_report({{"format", 1}, {"</script>", 2}})).find('<') == std::string::npos);
}

TEST_CASE("bytes that are not UTF-8 are replaced") {
  const std::string data =
      data_of(html_report(report_with("a\xff"
                                      "b")));
  CHECK(Json::parse(data) == report_with("a\xef\xbf\xbd"
                                         "b"));
}

TEST_CASE("the page loads nothing and runs nothing but its own scripts") {
  const std::string page = html_report(report_with("x"));
  const std::string code = without(without(page, "/*!", "*/"), "<!--", "-->");
  CHECK(count(code, "http://") + count(code, "https://") == 0);
  const std::string markup = without(without(code, "<script>", "</script>"), "<style>", "</style>");
  CHECK(count(markup, " src=") == 0);
  CHECK(count(markup, "<link") == count(markup, R"(href="data:,")"));
  CHECK_FALSE(std::regex_search(markup, std::regex(R"( on[a-z]+=| style=)")));
  const std::string style =
      page.substr(page.find("<style>"), page.find("</style>") - page.find("<style>"));
  CHECK(count(style, "@import") + count(style, "url(") == 0);
  CHECK(std::regex_search(
      page,
      std::regex(
          R"re("default-src 'none'; img-src data:; style-src 'sha256-[^' ]+'; script-src 'sha256-[^' ]+' 'sha256-[^' ]+';)re")));
}

TEST_CASE("the page holds the licence of what it brings, and is small") {
  const std::string page = html_report(report_with("x"));
  CHECK(count(page, "Permission is hereby granted, free of charge") == 1);
  CHECK(count(page, "Chart.js v3.") == 1);
  CHECK(page.size() < 300'000);
}

TEST_CASE("every mark of the page is filled") {
  const std::string page = html_report(report_with("x"));
  CHECK(page.rfind("<!DOCTYPE html>", 0) == 0);
  CHECK_FALSE(std::regex_search(page, std::regex(R"(\{\{[A-Z]+\}\})")));
}

TEST_CASE("what is not a report of format 1 is refused in one line") {
  for (const Json& report :
       {Json(), Json::array(), Json::object(), Json{{"format", 2}}, Json{{"format", "\xff\n"}}}) {
    std::string message;
    try {
      html_report(report);
    } catch (const Error& error) {
      message = error.what();
    }
    CHECK(message.rfind("report: field 'format': expected 1, got ", 0) == 0);
    CHECK(message.find('\n') == std::string::npos);
  }
}
