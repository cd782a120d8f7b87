#pragma once

#include <span>
#include <string_view>

namespace sidenet {

// The page in pieces, UTF-8, made from the files of this folder and Chart.js by embed.py. The data
// go between the two.
std::span<const std::string_view> report_page_before_data();
std::span<const std::string_view> report_page_after_data();

}  // namespace sidenet
