#include "sidenet/error.h"

namespace sidenet {

Error::~Error() = default;

}  // namespace sidenet
