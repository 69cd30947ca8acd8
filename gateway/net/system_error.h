#pragma once

#include <string>
#include <string_view>

#include "gateway/base/result.h"

namespace upgate::net {

// What an errno value of a socket call means to those above, with the system's own words:
// "connection refused". `what` goes in front, where it is not empty: "listen on 127.0.0.1:80:
// permission denied".
Error SystemError(int error_number, std::string_view what = {});

}  // namespace upgate::net
