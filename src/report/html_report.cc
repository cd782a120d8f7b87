#include "html_report.h"

#include <string_view>

#include "report_page.h"
#include "sidenet/error.h"

namespace sidenet {

std::string html_report(const nlohmann::json& report) {
  using Json = nlohmann::json;
  const Json format = report.is_object() && report.contains("format") ? report["format"] : Json();
  if (format != 1) {
    throw Error("report: field 'format': expected 1, got " +
                format.dump(-1, ' ', true, Json::error_handler_t::replace));
  }
  std::string page;
  for (const std::string_view piece : report_page_before_data()) page += piece;
  // In JSON `<` stands in strings alone. Without it neither an end tag nor a comment can begin
  // (HTML, 13.2.5.4). Whoever reads the source of the page is not deceived either: it is ASCII.
  for (const char c : report.dump(-1, ' ', true, Json::error_handler_t::replace)) {
    if (c == '<') {
      page += "\\u003c";
    } else {
      page += c;
    }
  }
  for (const std::string_view piece : report_page_after_data()) page += piece;
  return page;
}

}  // namespace sidenet
