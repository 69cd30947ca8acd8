#pragma once

#include <string>

#include "tests/conformance/connection.h"
#include "tests/conformance/frames.h"
#include "tests/conformance/reference.h"
#include "tests/conformance/stage.h"

namespace upgate::conformance {

// The difference between a client's received data and the reference; empty: none. A far end in
// another process may not have answered everything when a rule is broken: then its output must be a
// prefix.
std::string FaultOf(const Received& got, Ending ending, const Reference& expected, FarEnd far);

}  // namespace upgate::conformance
