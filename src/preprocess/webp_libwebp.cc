#include <webp/decode.h>

#include "picture_decoders.h"
#include "picture_size.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

const char* reason(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_OK: break;
    case VP8_STATUS_OUT_OF_MEMORY: return "out of memory";
    case VP8_STATUS_INVALID_PARAM: return "invalid parameter";
    case VP8_STATUS_BITSTREAM_ERROR: return "its data are damaged";
    case VP8_STATUS_UNSUPPORTED_FEATURE: return "unsupported feature";
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA: return "truncated";
    case VP8_STATUS_USER_ABORT: return "aborted";
  }
  return "unknown reason";
}

void expect(VP8StatusCode status, const std::string& name) {
  if (status != VP8_STATUS_OK)
    throw Error(name + ": the WebP picture does not decode: " + reason(status));
}

}  // namespace

// Alpha is dropped, not blended.
Tensor decode_webp(std::span<const std::byte> bytes, const std::string& name) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0) throw Error(name + ": libwebp is of another version");
  expect(WebPGetFeatures(data, bytes.size(), &config.input), name);
  if (config.input.has_animation != 0)
    throw Error(name + ": expected one picture, got an animated WebP: save the picture that you " +
                "mean as PNG");
  const auto extent = [](int side) { return static_cast<std::uint64_t>(side); };
  check_size(
      {PictureFormat::webp, extent(config.input.width), extent(config.input.height), bytes.size()},
      name);
  Tensor picture(DType::u8, {config.input.height, config.input.width, 3});
  config.output.colorspace = MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = picture.mutable_data<std::uint8_t>();
  config.output.u.RGBA.stride = 3 * config.input.width;
  config.output.u.RGBA.size = picture.bytes();
  const VP8StatusCode status = WebPDecode(data, bytes.size(), &config);
  WebPFreeDecBuffer(&config.output);
  expect(status, name);
  return picture;
}

const char* webp_library() { return "libwebp"; }

}  // namespace sidenet
