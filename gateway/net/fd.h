#pragma once

#include "gateway/base/fd.h"

namespace upgate::net {

using upgate::UniqueFd;

}  // namespace upgate::net
