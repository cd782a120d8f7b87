// fill_report_page REPORT.json PAGE.html: the page of a report, for the tests of the page.
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "html_report.h"
#include "sidenet/error.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: fill_report_page REPORT.json PAGE.html\n";
    return 2;
  }
  try {
    std::ifstream in(argv[1]);
    std::ofstream out(argv[2], std::ios::binary);
    out << sidenet::html_report(nlohmann::json::parse(in));
    if (!out.flush()) throw sidenet::Error(std::string(argv[2]) + ": cannot be written");
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
