#include "local_backend/config_values.h"

#include <cmath>
#include <stdexcept>

namespace tollgate::local_backend::config_values {

void refuse(const std::string& why) { throw std::runtime_error("config.json: " + why); }

int integer(const Json& object, const std::string& key, int fallback, int least, int most) {
  const Json* value = object.find_set(key);
  if (value == nullptr) {
    if (fallback < least) refuse(key + " is missing");
    return fallback;
  }
  if (!value->is(Json::Kind::integer) || value->integer < least || value->integer > most) {
    refuse(key + " must be an integer from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return static_cast<int>(value->integer);
}

double number(const Json& object, const std::string& key, double fallback) {
  const Json* value = object.find_set(key);
  if (value == nullptr) return fallback;
  const bool numeric = value->is(Json::Kind::integer) || value->is(Json::Kind::number);
  if (!numeric || !std::isfinite(value->number) || value->number <= 0) refuse(key + " must be a positive number");
  return value->number;
}

double required_number(const Json& object, const std::string& key) {
  if (object.find_set(key) == nullptr) refuse(key + " is missing");
  return number(object, key, 0);
}

bool flag(const Json& object, const std::string& key, bool fallback) {
  const Json* value = object.find_set(key);
  if (value == nullptr) return fallback;
  if (!value->is(Json::Kind::boolean)) refuse(key + " must be true or false");
  return value->boolean;
}

std::string text(const Json& object, const std::string& key, const std::string& fallback) {
  const Json* value = object.find_set(key);
  if (value == nullptr) return fallback;
  if (!value->is(Json::Kind::string)) refuse(key + " must be a string");
  return value->string;
}

}  // namespace tollgate::local_backend::config_values
