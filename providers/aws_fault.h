#pragma once
// What Amazon's services call their faults. Pure. Internal to providers/.
#include <string_view>

namespace tollgate::providers {

// The status that a fault's name stands for, inside streams and where the HTTP status is a general one; `otherwise` for
// unknown names. "aws#ThrottlingException:http://internal.amazon.com/..." is read, too.
int aws_fault_status(std::string_view type, int otherwise);

}  // namespace tollgate::providers
