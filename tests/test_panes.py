"""The one door for looking inside, and the six rules that guard it."""

import threading
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from garasu.networks.clip_text import CLIPText, CLIPTextConfig
from garasu.networks.clip_vision import CLIPVision, CLIPVisionConfig
from garasu.networks.unet import UNet, UNetConfig
from garasu.networks.vae import VAE, VAEConfig
from garasu.panes import At, Pane, PaneError, Recording, look, moment


class Step(nn.Module):
    """Multiplies by a number; a pane stands before."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.entering = Pane()
        self.scale = nn.Linear(1, 1, bias=False)
        nn.init.constant_(self.scale.weight, factor)

    def forward(self, x: Tensor) -> Tensor:
        """[B, 1] → [B, 1]."""
        return self.scale(self.entering(x))


class Model(nn.Module):
    """Times 2, then times 3; a third step that never runs."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = nn.ModuleList([Step(2.0), Step(3.0)])
        self.idle = Step(5.0)

    def forward(self, x: Tensor) -> Tensor:
        """[B, 1] → [B, 1]."""
        for step in self.steps:
            x = step(x)
        return x


ONE = torch.ones(1, 1)


@pytest.fixture
def model() -> Model:
    """A model whose output for one is six."""
    return Model()


def hooks(model: nn.Module) -> int:
    """How many hooks the whole model carries."""
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules())


def watch(seen: list[tuple[str, float]]) -> Callable[[Tensor, At], None]:
    """A watcher that keeps names and numbers."""
    return lambda value, at: seen.append((at.name, value.item()))


class TestSeeingAndChanging:
    """What a look is for."""

    def test_watching_sees_every_match_and_changes_nothing(self, model: Model) -> None:
        seen: list[tuple[str, float]] = []
        with look(model, {"steps.*.scale": watch(seen)}):
            assert model(ONE).item() == 6
        assert seen == [("steps.0.scale", 2.0), ("steps.1.scale", 6.0)]

    def test_star_crosses_dots(self, model: Model) -> None:
        seen: list[tuple[str, float]] = []
        with look(model, {"*entering": watch(seen)}):
            model(ONE)
        assert [name for name, _ in seen] == ["steps.0.entering", "steps.1.entering"]

    def test_an_output_can_be_replaced(self, model: Model) -> None:
        with look(model, {"steps.0.scale": lambda value, _: value + 10}):
            assert model(ONE).item() == 36
        assert model(ONE).item() == 6

    def test_an_input_can_be_replaced(self, model: Model) -> None:
        seen: list[tuple[str, float]] = []
        with look(model, {"steps.1": watch(seen)}, before={"steps.1": lambda value, _: -value}):
            assert model(ONE).item() == -6
        assert seen == [("steps.1", -6.0)]

    def test_other_inputs_stay_when_the_first_is_replaced(self) -> None:
        bilinear = nn.Bilinear(1, 1, 1, bias=False)
        nn.init.ones_(bilinear.weight)
        with look(bilinear, before={"": lambda value, _: value * 5}):
            assert bilinear(ONE * 2, ONE * 3).item() == 30

    def test_given_are_the_tensors_the_module_was_called_with(self, model: Model) -> None:
        given: list[float] = []
        with look(model, {"steps.1.scale": lambda _, at: given.extend(one.item() for one in at.given)}):
            model(ONE)
        assert given == [2.0]

    def test_looks_nest_and_the_later_sees_what_the_earlier_changed(self, model: Model) -> None:
        seen: list[tuple[str, float]] = []
        with look(model, {"steps.0.scale": lambda value, _: value + 1}), look(model, {"steps.0.scale": watch(seen)}):
            assert model(ONE).item() == 9
        assert seen == [("steps.0.scale", 3.0)]

    def test_a_replacement_takes_part_in_gradients(self, model: Model) -> None:
        added = torch.zeros(1, 1, requires_grad=True)
        with look(model, {"steps.0.scale": lambda value, _: value + added}):
            model(ONE).backward()
        assert added.grad is not None
        assert added.grad.item() == 3

    def test_a_replacement_takes_the_dtype_of_what_it_replaces(self) -> None:
        half = Model().to(torch.bfloat16)
        with look(half, {"steps.0.scale": lambda value, _: value.float() * 2}):
            output = half(ONE.to(torch.bfloat16))
        assert output.dtype == torch.bfloat16
        assert output.item() == 12

    @pytest.mark.parametrize(("wrong", "word"), [(torch.ones(2, 1), "shape"), (True, "None to watch"), ([], "tensor")])
    def test_a_replacement_that_can_not_stand_for_the_value_is_refused(
        self, model: Model, wrong: object, word: str
    ) -> None:
        with pytest.raises(PaneError, match=word), look(model, {"steps.0.scale": lambda *_: wrong}):
            model(ONE)

    def test_a_pane_knows_whether_it_is_watched(self, model: Model) -> None:
        pane = model.steps[0].entering
        assert not pane.watched
        for arguments in ({"after": {"steps.0.entering": print}}, {"before": {"steps.0.entering": print}}):
            with look(model, **arguments):
                assert pane.watched
                assert not model.steps[1].entering.watched
                model(ONE)
            assert not pane.watched


class TestHandlesAreRemoved:
    """Rule 1: a look ends with its block, however that ends."""

    def test_after_the_block(self, model: Model) -> None:
        with look(model, {"steps.*": lambda *_: None}, before={"*": lambda *_: None}):
            assert hooks(model) > 2
            model(ONE)
        assert hooks(model) == 0

    def test_after_an_exception_in_the_block(self, model: Model) -> None:
        with pytest.raises(ZeroDivisionError), look(model, {"steps.*": lambda *_: None}):
            raise ZeroDivisionError
        assert hooks(model) == 0

    def test_after_an_exception_in_a_watcher(self, model: Model) -> None:
        with pytest.raises(ZeroDivisionError), look(model, {"steps.0.scale": lambda *_: 1 / 0}):
            model(ONE)
        assert hooks(model) == 0
        assert model(ONE).item() == 6

    def test_when_a_later_pattern_is_wrong_nothing_is_hooked(self, model: Model) -> None:
        with pytest.raises(PaneError), look(model, {"steps.0": lambda *_: None, "nowhere": lambda *_: None}):
            pytest.fail("the block must not run")
        assert hooks(model) == 0

    def test_when_a_look_never_fired(self, model: Model) -> None:
        with pytest.raises(PaneError), look(model, {"idle": lambda *_: None}):
            pass
        assert hooks(model) == 0

    def test_when_the_loop_around_it_is_left(self, model: Model) -> None:
        for _ in range(3):
            with look(model, {"steps.0": lambda *_: None}):
                model(ONE)
                break
        assert hooks(model) == 0


class TestWrongNames:
    """Rule 2: a look that shows nothing is an error, never an answer."""

    def test_near_names_are_listed(self, model: Model) -> None:
        with (
            pytest.raises(PaneError, match=r"'steps\.0\.scael'.*Near names:.*steps\.0\.scale"),
            look(model, {"steps.0.scael": lambda *_: None}),
        ):
            pytest.fail("the block must not run")

    def test_a_name_near_nothing_lists_nothing(self, model: Model) -> None:
        with pytest.raises(PaneError, match=r"'q'\.$"), look(model, {"q": lambda *_: None}):
            pytest.fail("the block must not run")

    def test_names_are_case_sensitive(self, model: Model) -> None:
        with pytest.raises(PaneError), look(model, {"Steps.0": lambda *_: None}):
            pytest.fail("the block must not run")

    def test_inputs_are_checked_too(self, model: Model) -> None:
        with pytest.raises(PaneError, match="nowhere"), look(model, before={"nowhere": lambda *_: None}):
            pytest.fail("the block must not run")

    def test_a_look_that_never_fired_names_the_silent_pattern_alone(self, model: Model) -> None:
        with (
            pytest.raises(PaneError, match=r"^Nothing passed 'idle\.\*' while"),
            look(model, {"steps.0": lambda *_: None, "idle.*": lambda *_: None}),
        ):
            model(ONE)

    def test_an_error_in_the_block_is_not_hidden_by_silence(self, model: Model) -> None:
        with pytest.raises(KeyError), look(model, {"idle": lambda *_: None}):
            raise KeyError

    def test_a_module_without_a_single_tensor_is_refused(self) -> None:
        lstm = nn.LSTM(1, 1)
        with pytest.raises(PaneError, match="no single tensor"), look(lstm, {"": lambda *_: None}):
            lstm(ONE)

    def test_a_module_called_with_keywords_has_no_first_input(self) -> None:
        linear = nn.Linear(1, 1)
        with pytest.raises(PaneError, match="keywords"), look(linear, before={"": lambda *_: None}):
            linear(input=ONE)


def as_method(model: Model) -> nn.Module:
    """model.compile()."""
    model.compile(backend="eager")
    return model


def as_wrapper(model: Model) -> nn.Module:
    """torch.compile(model)."""
    return torch.compile(model, backend="eager")


class InsideAFunction(nn.Module):
    """A module that calls its model through a compiled function, of which no module bears a mark."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.steps = model.steps

        def run(x: Tensor) -> Tensor:
            return model(x)

        self.run = torch.compile(run, backend="eager")

    def forward(self, x: Tensor) -> Tensor:
        """[B, 1] → [B, 1]."""
        return self.run(x)


@pytest.mark.parametrize("compiled", [as_method, as_wrapper, InsideAFunction])
class TestCompiledModels:
    """Rule 3: hooks that come after compilation never fire, silently; a look still sees."""

    def test_the_trap_is_real(self, model: Model, compiled: Callable[[Model], nn.Module]) -> None:
        """If this fails, torch has mended it and ``look`` may stop leaving the compiled graph."""
        network, fired = compiled(model), []
        network(ONE)
        with_hook = model.steps[0].scale.register_forward_hook(lambda *_: fired.append(1))
        assert network(ONE).item() == 6
        with_hook.remove()
        assert fired == []

    def test_a_look_sees_and_changes(self, model: Model, compiled: Callable[[Model], nn.Module]) -> None:
        network = compiled(model)
        network(ONE)
        seen: list[tuple[str, float]] = []
        with look(network, {"steps.0.scale": watch(seen), "steps.1.scale": lambda value, _: value + 1}):
            assert network(ONE).item() == 7
        assert seen == [("steps.0.scale", 2.0)]

    def test_afterwards_it_is_compiled_again(self, model: Model, compiled: Callable[[Model], nn.Module]) -> None:
        network, graphs = compiled(model), torch._dynamo.utils.counters["stats"]
        network(ONE)
        with look(network, {"steps.0.scale": lambda *_: None}):
            network(ONE)
        torch._dynamo.reset()
        before = graphs["unique_graphs"]
        assert network(ONE).item() == 6
        assert graphs["unique_graphs"] > before


def test_our_attention_compiles_without_a_graph_break() -> None:
    """The choice between the two forms must cost a compiled network nothing."""
    unet = UNet(UNetConfig(channels=(8, 8), layers=1, attention=(True, True), heads=(1, 2), context_width=6, groups=4))
    x, t, context = torch.randn(1, 4, 4, 4), torch.tensor([500.0]), torch.randn(1, 5, 6)
    expected = unet(x, t, context)
    unet.compile(backend="eager", fullgraph=True)
    torch.testing.assert_close(unet(x, t, context), expected)
    recording = Recording()
    with look(unet, {"*.cross_attention.weights": recording}):
        unet(x, t, context)
    assert len(recording.values) == 2 + 1 + 4  # down, middle, up


class TestRecording:
    """Rule 4: what is kept is detached, small and on the CPU."""

    def test_values_are_detached_copies_without_their_inputs(self, model: Model) -> None:
        recording = Recording()
        with look(model, {"steps.0.scale": recording}):
            model(ONE)
            model.steps[0].scale.weight.data.fill_(7)
            model(ONE)
        assert [value.item() for _, value in recording.values] == [2, 7]
        for at, value in recording.values:
            assert at.name == "steps.0.scale"
            assert at.given == ()
            assert not value.requires_grad
            assert value.device.type == "cpu"

    def test_the_network_may_go_on_with_the_memory(self, model: Model) -> None:
        value = torch.ones(1, 1)
        recording = Recording()
        with look(model, before={"steps.0": recording}):
            model(value)
        value.fill_(9)
        assert recording.values[0][1].item() == 1

    def test_reduction_comes_first_and_keeps_no_hold_of_the_whole(self) -> None:
        big = torch.arange(3.0 * 1024).reshape(3, 1024)
        recording = Recording(lambda value: value[:, :2], limit=24)
        recording(big, At("x"))
        kept = recording.values[0][1]
        assert torch.equal(kept, big[:, :2])
        assert kept.untyped_storage().nbytes() == 24

    def test_too_large_a_value_is_refused_with_the_remedy(self) -> None:
        recording = Recording(limit=2**20)
        recording(torch.zeros(2**18), At("a"))
        with pytest.raises(PaneError, match=r"b: .* 2 MiB, over the limit of 1;.*reduce"):
            recording(torch.zeros(2**19), At("b"))
        assert len(recording.values) == 1

    def test_by_default_a_top_level_self_attention_map_is_too_large(self) -> None:
        """[2, 8, 4096, 4096] in float32 is 1 GiB; the meta device shows it without having it."""
        with pytest.raises(PaneError, match="1024 MiB"):
            Recording()(torch.empty(2, 8, 4096, 4096, device="meta"), At("unet.down.0.self_attention.weights"))


class TestThreads:
    """Rule 5: one thread owns a model."""

    @pytest.mark.parametrize("part", [lambda model: model, lambda model: model.steps[0]], ids=["model", "part"])
    def test_a_look_from_another_thread_raises(self, model: Model, part: Callable[[Model], nn.Module]) -> None:
        with look(model, {"steps.0": lambda *_: None}):
            model(ONE)
            error = elsewhere(lambda: look(part(model), {"*scale": lambda *_: None}).__enter__())
        assert isinstance(error, PaneError)
        assert "thread" in str(error)

    def test_a_look_at_the_whole_from_another_thread_raises_while_a_part_is_looked_at(self, model: Model) -> None:
        with look(model.steps[0], {"scale": lambda *_: None}):
            model(ONE)
            error = elsewhere(lambda: look(model, {"steps.1": lambda *_: None}).__enter__())
        assert isinstance(error, PaneError)

    def test_another_thread_that_runs_the_model_is_not_mistaken_for_ours(self, model: Model) -> None:
        seen: list[tuple[str, float]] = []
        with look(model, {"steps.0": watch(seen)}):
            model(ONE)
            assert isinstance(elsewhere(lambda: model(ONE * 100)), PaneError)
        assert seen == [("steps.0", 2.0)]

    def test_afterwards_another_thread_may(self, model: Model) -> None:
        def see() -> None:
            with look(model, {"steps.0": lambda *_: None}):
                model(ONE)

        with pytest.raises(ZeroDivisionError), look(model, {"steps.0": lambda *_: None}):
            raise ZeroDivisionError
        see()
        assert elsewhere(see) is None

    def test_another_model_is_free(self, model: Model) -> None:
        other = Model()

        def see() -> None:
            with look(other, {"steps.0": lambda *_: None}):
                other(ONE)

        with look(model, {"steps.0": lambda *_: None}):
            model(ONE)
            assert elsewhere(see) is None

    def test_nested_looks_of_one_thread_hold_until_the_last(self, model: Model) -> None:
        def see() -> None:
            with look(model, {"steps.0": lambda *_: None}):
                model(ONE)

        with look(model, {"steps.0": lambda *_: None}):
            see()
            assert isinstance(elsewhere(see), PaneError)
            model(ONE)
        assert elsewhere(see) is None


def elsewhere(work: Callable[[], object]) -> BaseException | None:
    """What ``work`` raises on a thread of its own."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # handed to the test
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return raised[0] if raised else None


class TestMoment:
    """Where a value was met."""

    def test_watchers_are_told(self, model: Model) -> None:
        met: list[At] = []
        with look(model, {"steps.0": lambda _, at: met.append(at)}):
            with moment(step=4, sigma=1.5, rows=("negative 0", "prompt 0"), grid=(8, 12)):
                model(ONE)
            model(ONE)
        inside, outside = met
        assert (inside.step, inside.sigma, inside.rows, inside.grid) == (4, 1.5, ("negative 0", "prompt 0"), (8, 12))
        assert (outside.step, outside.sigma, outside.rows, outside.grid) == (None, None, (), None)

    def test_moments_nest_and_keep_what_the_inner_does_not_say(self, model: Model) -> None:
        met: list[At] = []
        with look(model, {"steps.0": lambda _, at: met.append(at)}), moment(grid=(8, 8), step=0):
            with moment(step=1, sigma=0.0):
                model(ONE)
            model(ONE)
        assert [(at.step, at.sigma, at.grid) for at in met] == [(1, 0.0, (8, 8)), (0, None, (8, 8))]

    def test_a_moment_ends_with_an_exception(self, model: Model) -> None:
        met: list[At] = []
        with pytest.raises(ZeroDivisionError), moment(step=1):
            raise ZeroDivisionError
        with look(model, {"steps.0": lambda _, at: met.append(at)}):
            model(ONE)
        assert met[0].step is None

    def test_each_thread_has_its_own(self, model: Model) -> None:
        def see() -> None:
            with look(model, {"steps.0": lambda _, at: met.append(at)}):
                model(ONE)

        met: list[At] = []
        with moment(step=1):
            assert elsewhere(see) is None
        assert met[0].step is None


def small_networks() -> dict[str, tuple[nn.Module, Callable[[], object]]]:
    """Every network, small, with a call of it."""
    torch.manual_seed(0)
    unet = UNet(UNetConfig(channels=(8, 16), layers=1, attention=(True, True), heads=(1, 2), context_width=6, groups=4))
    vae = VAE(VAEConfig(channels=(8, 16), layers=1, groups=4))
    text = CLIPText(CLIPTextConfig(vocab_size=20, width=8, layers=2, heads=2, mlp_width=16, max_length=9))
    vision = CLIPVision(
        CLIPVisionConfig(image_size=8, patch_size=4, width=8, layers=2, heads=2, mlp_width=16, projection_width=6)
    )
    x, t, context = torch.randn(2, 4, 5, 6), torch.tensor([1.0, 900.0]), torch.randn(2, 9, 6)
    return {
        "unet": (unet, lambda: unet(x, t, context)),
        "vae encoder": (vae.encoder, lambda: vae.encoder(torch.rand(1, 3, 8, 12))),
        "vae decoder": (vae.decoder, lambda: vae.decoder(torch.randn(1, 4, 4, 6))),
        "text": (text, lambda: text(torch.arange(18).reshape(2, 9))),
        "vision": (vision, lambda: vision(torch.randn(2, 3, 8, 8))),
    }


class KeepsTwo:
    """Keeps the value itself beside a copy of it as it was."""

    def __init__(self) -> None:
        self.values: list[tuple[str, Tensor, Tensor]] = []

    def __call__(self, value: Tensor, at: At) -> None:
        """Keep one value twice."""
        self.values.append((at.name, value, value.clone()))

    def changed(self) -> list[str]:
        """Names whose value is no longer what was shown."""
        return [name for name, value, copy in self.values if not torch.equal(value, copy)]


def note(called: set[str], path: str) -> Callable[[nn.Module, object, object], None]:
    """A hook that notes the path of a module whose output is a tensor."""
    return lambda _, __, value: called.add(path) if torch.is_tensor(value) else None


@pytest.mark.parametrize("name", small_networks())
def test_networks_never_write_on_what_was_shown(name: str) -> None:
    """Rule 6: every module's input and output is, after the forward, what it was when it was seen."""
    network, call = small_networks()[name]
    called: set[str] = set()
    handles = [module.register_forward_hook(note(called, path)) for path, module in network.named_modules()]
    with torch.no_grad():
        call()
    for handle in handles:
        handle.remove()
    outputs, inputs = KeepsTwo(), KeepsTwo()
    with torch.no_grad(), look(network, dict.fromkeys(called, outputs), before=dict.fromkeys(called, inputs)):
        call()
    assert len(outputs.values) >= len(called) > 5
    assert outputs.changed() == inputs.changed() == []


def test_the_check_for_writes_sees_one() -> None:
    network = nn.Sequential(nn.Linear(4, 4), nn.ReLU(inplace=True))
    shown = KeepsTwo()
    with torch.no_grad(), look(network, {"0": shown}):
        network(torch.randn(8, 4, generator=torch.Generator().manual_seed(0)))
    assert shown.changed() == ["0"]
