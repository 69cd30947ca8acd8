#pragma once

#include <string>

#include "tests/conformance/connection.h"
#include "tests/conformance/frames.h"
#include "tests/conformance/reference.h"
#include "tests/conformance/stage.h"

namespace upgate::conformance {

// What is wrong with what a client got for a case; empty: it is exactly what the reference says. A
// far end that is another process may not have answered all yet when a rule is broken: then what it
// did must be the beginning of that.
std::string FaultOf(const Received& got, Ending ending, const Reference& expected, FarEnd far);

}  // namespace upgate::conformance
