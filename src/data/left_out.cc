#include "left_out.h"

#include "image_folder.h"

namespace sidenet {

void LeftOut::add(const std::string& place, const std::string& why) {
  constexpr std::size_t kOthers = 4;
  if (rows_++ == 0) {
    first_ = why;
  } else if (others_.size() < kOthers) {
    others_.push_back(place);
  }
}

std::string LeftOut::note(const std::string& what) const {
  std::string text = counted(rows_, "row") + " " + what + " left out, the first: " + first_;
  for (const std::string& place : others_)
    text += (&place == &others_[0] ? "; also " : ", ") + place;
  const std::int64_t more = rows_ - 1 - static_cast<std::int64_t>(others_.size());
  return more > 0 ? text + " and " + counted(more, "other") : text;
}

}  // namespace sidenet
