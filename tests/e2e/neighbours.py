"""A gateway whose model `gpt` is served in the callers' own API, and another model by a server of OpenAI's chat API."""
import contextlib

import dialects
from gateway import Gateway, department
from simulator import Simulator
from test_dialects import model_yaml, provider_yaml


@contextlib.contextmanager
def neighbours(folder, name, dialect, other="other"):
    """Yields the gateway, the simulator that speaks `dialect` behind provider `name`, and the one that speaks chat."""
    native, chat = Simulator(), Simulator()
    native.behaviour, chat.behaviour = dialect, dialects.Chat()
    key = folder / "provider.key"
    key.write_text("provider-secret-key\n")
    key.chmod(0o600)
    providers = {id: provider_yaml(simulator, simulator.behaviour).replace("../../provider.key", str(key)).replace(
        "id: theirs", "id: " + id) for id, simulator in ((name, native), ("chat", chat))}
    models = {"gpt": model_yaml(native.behaviour.model).replace("theirs", name),
              "other": model_yaml(chat.behaviour.model).replace("name: gpt", f'name: "{other}"').replace(
                  "theirs", "chat")}
    gateway = Gateway(folder, providers, models, {"retail": department(models=f'[gpt, "{other}"]')}).start()
    yield gateway, native, chat
    assert gateway.stop() == 0
    native.close()
    chat.close()
