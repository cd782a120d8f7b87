#include "zip_source.h"

#include <algorithm>
#include <cstring>

namespace sidenet {

zip_int64_t SpanSource::callback(void* user, void* data, zip_uint64_t length, zip_source_cmd_t command) {
  auto& source = *static_cast<SpanSource*>(user);
  switch (command) {
    case ZIP_SOURCE_OPEN: source.position = 0; return 0;
    case ZIP_SOURCE_READ: {
      const std::uint64_t count = std::min<std::uint64_t>(length, source.bytes.size() - source.position);
      if (count > 0) std::memcpy(data, source.bytes.data() + source.position, count);
      source.last_read_offset = source.position;
      source.last_read_size = count;
      ++source.reads;
      source.position += count;
      return static_cast<zip_int64_t>(count);
    }
    case ZIP_SOURCE_CLOSE:
    case ZIP_SOURCE_FREE: return 0;
    case ZIP_SOURCE_STAT: {
      auto* status = static_cast<zip_stat_t*>(data);
      zip_stat_init(status);
      status->size = source.bytes.size();
      status->valid |= ZIP_STAT_SIZE;
      return sizeof *status;
    }
    case ZIP_SOURCE_ERROR: return zip_error_to_data(&source.error, data, length);
    case ZIP_SOURCE_SEEK: {
      const zip_int64_t position =
          zip_source_seek_compute_offset(source.position, source.bytes.size(), data, length, &source.error);
      if (position < 0) return -1;
      source.position = static_cast<std::uint64_t>(position);
      return 0;
    }
    case ZIP_SOURCE_TELL: return static_cast<zip_int64_t>(source.position);
    case ZIP_SOURCE_SUPPORTS:
      return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT,
                                            ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE, ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL,
                                            ZIP_SOURCE_SUPPORTS, -1);
    default: zip_error_set(&source.error, ZIP_ER_OPNOTSUPP, 0); return -1;
  }
}

}  // namespace sidenet
