#include "progress.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <iostream>
#include <utility>

#include "terminal.h"
#include "text.h"

namespace sidenet::tools {
namespace {

constexpr std::size_t kBarColumns = 20;

/// Ends the half-drawn line, so that the shell's prompt does not stand behind it.
extern "C" void end_line_and_die(int signal) {
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, "\n", 1);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

std::string rate_text(double per_second) {
  return (per_second < 10 ? fixed(per_second, 1) : scaled(per_second)) + "/s";
}

}  // namespace

ProgressBar::ProgressBar(bool quiet, std::string unit)
    : quiet_(quiet), terminal_(is_terminal(STDERR_FILENO)), unit_(std::move(unit)) {
  if (!quiet_ && terminal_ && std::signal(SIGINT, end_line_and_die) == SIG_IGN)
    std::signal(SIGINT, SIG_IGN);
}

ProgressBar::~ProgressBar() {
  end_stage();
  if (!quiet_ && terminal_ && std::signal(SIGINT, SIG_DFL) == SIG_IGN) std::signal(SIGINT, SIG_IGN);
}

void ProgressBar::begin_stage(const Progress& progress) {
  end_stage();
  started_ = true;
  end_shown_ = false;
  latest_ = progress;
  stage_start_ = Clock::now();
  last_shown_ = Clock::time_point();
  first_done_ = progress.done;
}

void ProgressBar::end_stage() {
  if (!started_) return;
  if (!end_shown_) show(true);
  if (terminal_) std::cerr << std::endl;
  started_ = false;
}

std::string ProgressBar::line(std::size_t columns, bool ended) const {
  const double seconds = std::chrono::duration<double>(Clock::now() - stage_start_).count();
  const bool epochs = latest_.stage.starts_with("train ");
  const double rate = seconds > 0 ? static_cast<double>(latest_.done - first_done_) / seconds : 0;
  std::string text;
  const auto add = [&](const char* before, const std::string& part, const char* after = "") {
    text.append(before).append(part).append(after);
  };
  add("  ", grouped(latest_.done));
  if (latest_.total > 0) add("/", grouped(latest_.total));
  add(" ", epochs ? "epochs" : unit_);
  if (rate > 0 && !epochs) add("  ", rate_text(rate));
  if (ended) {
    add("  in ", duration(seconds));
  } else if (rate > 0 && latest_.total > 0) {
    add("  ", duration(static_cast<double>(latest_.total - latest_.done) / rate), " left");
  }
  if (!latest_.note.empty()) add("  ", printable(latest_.note));
  const std::string stage = printable(latest_.stage);
  if (!terminal_) return stage + text;
  // The bar takes the room that is left. A line that wraps could not be redrawn in place.
  const std::size_t others = display_width(stage) + display_width(text) + 5;
  if (latest_.total <= 0 || others + kBarColumns / 2 > columns)
    return shorten_end(stage + text, columns - 1);
  std::string bar(std::min(kBarColumns, columns - others), '.');
  const double share =
      std::clamp(static_cast<double>(latest_.done) / static_cast<double>(latest_.total), 0.0, 1.0);
  std::fill_n(bar.begin(), static_cast<std::size_t>(share * static_cast<double>(bar.size())), '#');
  return stage + "  [" + bar + "]" + text;
}

void ProgressBar::show(bool ended) {
  if (terminal_) {
    std::cerr << '\r' << line(terminal_columns(STDERR_FILENO), ended) << "\x1b[K" << std::flush;
  } else {
    std::cerr << line(0, ended) << std::endl;
  }
  last_shown_ = Clock::now();
  end_shown_ = ended;
}

void ProgressBar::operator()(const Progress& progress) {
  if (quiet_) return;
  if (!started_ || latest_.stage != progress.stage) begin_stage(progress);
  latest_ = progress;
  const bool ended = progress.total > 0 && progress.done >= progress.total;
  const auto pause = terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(10'000);
  if (ended || Clock::now() - last_shown_ >= pause) show(ended);
}

}  // namespace sidenet::tools
