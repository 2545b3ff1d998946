#pragma once
// Made-up texts of a megabyte, the same in every run. What looks personal in them belongs to nobody.
#include <string>

namespace tollgate::bench {

std::string prose();
std::string chat_json();
std::string letters();  // customers' mail: a value every 355 bytes, 31 % of it within 48 bytes of one
std::string dense();    // a value of one of seven types every 44 bytes
std::string base64();
std::string hex();
std::string logs();
std::string numbers();
std::string chinese();

}  // namespace tollgate::bench
