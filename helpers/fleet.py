"""Many GANs trained as one JAX program: `vmap` over the members, `scan` over the steps.

Members differ in seed, learning rate, moment weight and penalty. A fleet of one does step for step what
`GAN` does; what differs is rounding, and the random numbers of JAX: initial weights and dropout
of a seed are not those that TensorFlow draws. Needs KERAS_BACKEND=jax, and no TensorFlow.
"""

import functools

import jax
import jax.numpy as jnp
import keras
import numpy as np

from helpers import convolutions, data, losses, models, penalties

BETAS, EPSILON = (0.9, 0.999), 1e-8
PRECISIONS = ("float32", "tensorfloat32", "bfloat16")
GENERATED_AT_ONCE = 200

if keras.backend.backend() != "jax":
    raise ImportError(
        f"A fleet: expected Keras on JAX, found it on {keras.backend.backend()}. "
        "Mend it by setting KERAS_BACKEND=jax before the command (and with: pip install jax)."
    )
jax.config.update("jax_default_matmul_precision", "float32")  # on a GPU, JAX would use TF32 unasked


def build_networks():
    """The study's two networks, untrained."""
    return models.build_generator(), models.build_discriminator()


class Fleet:
    """GANs that are trained together.

    Args:
        members: objects with `seed` (integer >= 0), `learning_rate` (> 0), `moment_weight` (>= 0) and
            `penalty` (a name from `penalties.NAMES`), such as experiments. Every member pays for
            each penalty that one of them has: under `vmap` all are computed, and one is chosen.
        images: float32 (n, 28, 28, 1) in [-1, 1], which stay on the device.
        batch_size: images a step, 2 <= batch_size <= n.
        build: function that returns an untrained (generator, discriminator).
        convolution: "grouped" or "patches", see `convolutions`; without one, the faster one here.
        precision: of matrix products. "float32", or faster and coarser on hardware that has it
            "tensorfloat32" (10 bits) or "bfloat16" (7 bits); weights and all else stay float32.

    Raises:
        ValueError: no members, or a setting out of range.
    """

    def __init__(self, members, images, batch_size=100, build=build_networks, convolution=None, precision="float32"):
        if not members:
            raise ValueError("A fleet: expected one member or more, found none.")
        if precision not in PRECISIONS:
            raise ValueError(f"Precision: expected one of {', '.join(PRECISIONS)}, found {precision!r}.")
        kinds = sorted({member.penalty for member in members})
        if not set(kinds) <= set(penalties.NAMES):
            raise ValueError(f"Penalty: expected one of {', '.join(penalties.NAMES)}, found {', '.join(kinds)}.")
        images = data.check_images(images)
        data.check_batch_size(batch_size, len(images))
        self.members, self.batch_size, self.precision = tuple(members), batch_size, precision
        self.convolution = convolution or convolutions.fastest()
        self.seeds = sorted({member.seed for member in members})
        self._build, self._images = build, images
        networks = [convolutions.converted(network, self.convolution) for network in build()]
        self._generator = networks[0]
        self._step = Step(*networks, _penalties(kinds, 0, networks[1], images))
        self._settings = {
            "rate": np.array([member.learning_rate for member in members], np.float32),
            "moment_weight": np.array([member.moment_weight for member in members], np.float32),
            "kind": np.array([kinds.index(member.penalty) for member in members], np.int32),
            "seed_row": np.array([self.seeds.index(member.seed) for member in members], np.int32),
        }
        self._programs, self._plans, self._generate = {}, {}, jax.jit(self._generate_images)
        self.state = None

    def start(self):
        """Give each member the initial weights of its seed, which the members of a seed share."""
        states = [self._initial_state(seed) for seed in self.seeds]
        rows = self._settings["seed_row"]
        self.state = jax.tree.map(lambda *leaves: jnp.asarray(np.stack(leaves))[rows], *states)

    def _initial_state(self, seed):
        """State of one member before its first step; its weights are those of `Experiment.build` on JAX."""
        keras.utils.set_random_seed(seed)
        generator, discriminator = self._build()
        kinds = _penalties(self._step.penalties, seed, discriminator, self._images)
        return Step(generator, discriminator, kinds).state()

    def leaves(self):
        """The whole state as a list of NumPy arrays, each (members, ...), for `restore`."""
        return [np.array(leaf) for leaf in jax.tree.leaves(self.state)]  # copies: the next steps reuse the memory

    def restore(self, leaves):
        """Take up the state of a fleet of the same members."""
        self.state = jax.tree.unflatten(jax.tree.structure(self._shapes()), [jnp.asarray(leaf) for leaf in leaves])

    def plan(self, epoch):
        """Draw each seed's order and noise of an epoch; called ahead of it, the device need not wait."""
        if epoch not in self._plans:
            plans = [data.plan_epoch(len(self._images), self.batch_size, seed, epoch) for seed in self.seeds]
            order, latents = (np.stack(column) for column in zip(*plans, strict=True))
            self._plans[epoch] = {"order": jnp.asarray(order, jnp.int32), "latents": jnp.asarray(latents)}
        return self._plans[epoch]

    def begin_epoch(self, epoch):
        """Begin an epoch, counted from 0, with its order, noise and dropout."""
        self._plan = self.plan(epoch)
        self._plans = {number: plan for number, plan in self._plans.items() if number > epoch}
        self._at = 0
        states = np.stack([data.dropout_state(member.seed, epoch) for member in self.members])
        others = self.state["discriminator"]["others"]
        for index in _seed_states(self._step.discriminator):
            others[index] = jnp.asarray(states)

    def advance(self, steps):
        """Train all members for some steps of the epoch.

        Args:
            steps: how many; no more than the epoch has left.

        Returns:
            A dict with `discriminator_loss`, `generator_loss` (penalty included), `mean_gap` and
            `variance_gap` (unweighted), each float (members, steps) and still being computed.
        """
        images, settings = self._resident
        program = self._program(steps)
        self.state, logs = program(self.state, self._plan, jnp.int32(self._at), images, settings)
        self._at += steps
        return logs

    def generate(self, latents_of):
        """Images of each member's generator, with moving averages.

        Args:
            latents_of: function from a seed to float32 (n, latent_dim), n the same for all seeds.

        Returns:
            Float array (members, n, 28, 28, 1) in [-1, 1].
        """
        latents = np.stack([latents_of(seed) for seed in self.seeds])
        pieces = range(0, max(latents.shape[1], 1), GENERATED_AT_ONCE)
        made = [self._generate(self.state["generator"], latents[:, at : at + GENERATED_AT_ONCE]) for at in pieces]
        return np.concatenate([np.asarray(images) for images in made], axis=1)

    def needed_bytes(self, steps):
        """Device memory for `advance(steps)`, as the compiler plans it, before any is taken."""
        plan = self._program(steps).memory_analysis()
        held = plan.argument_size_in_bytes + plan.output_size_in_bytes - plan.alias_size_in_bytes
        return held + plan.temp_size_in_bytes

    @functools.cached_property
    def _resident(self):
        return jax.device_put(self._images), jax.device_put(self._settings)

    def _program(self, steps):
        """The compiled program of so many steps."""
        if steps not in self._programs:
            count = len(self._images) // self.batch_size * self.batch_size
            shape = functools.partial(jax.ShapeDtypeStruct, dtype=jnp.float32)
            plan = {
                "order": jax.ShapeDtypeStruct((len(self.seeds), count), jnp.int32),
                "latents": shape((len(self.seeds), count, self._generator.input_shape[-1])),
            }
            settings = jax.eval_shape(lambda: jax.tree.map(jnp.asarray, self._settings))
            arguments = (self._shapes(), plan, jax.ShapeDtypeStruct((), jnp.int32), shape(self._images.shape), settings)
            program = jax.jit(functools.partial(self._run, steps), donate_argnums=0)  # the state is updated in place
            self._programs[steps] = program.lower(*arguments).compile()
        return self._programs[steps]

    def _shapes(self):
        """Shapes and types of the state, without the state."""
        one = self._step.state()
        return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((len(self.members), *leaf.shape), leaf.dtype), one)

    def _run(self, steps, state, plan, start, images, settings):
        """`steps` steps of all members, from number `start` of the epoch."""
        dtype = self._generator.outputs[0].dtype
        row, size = settings["seed_row"], self.batch_size

        def step(state, number):
            at = number * size
            order = jax.lax.dynamic_slice_in_dim(plan["order"], at, size, axis=1)[row]
            latents = jax.lax.dynamic_slice_in_dim(plan["latents"], at, size, axis=1)[row]
            numbers = images[order], latents, settings["rate"], settings["moment_weight"]
            return jax.vmap(self._step)(state, *(number.astype(dtype) for number in numbers), settings["kind"])

        with jax.default_matmul_precision(self.precision):
            state, logs = jax.lax.scan(step, state, start + jnp.arange(steps))
        return state, jax.tree.map(jnp.transpose, logs)

    def _generate_images(self, state, latents):
        def one(state, row):
            return self._generator.stateless_call(state["weights"], state["others"], latents[row], training=False)[0]

        with jax.default_matmul_precision(self.precision):
            return jax.vmap(one)(state, self._settings["seed_row"])


class Step:
    """What one member does in a step: update the discriminator, then the generator.

    Args:
        generator, discriminator: Keras models, of which only the architecture is used.
        kinds: a dict from the names of the penalties that members have to `penalties.build`'s results.
    """

    def __init__(self, generator, discriminator, kinds):
        self.generator, self.discriminator, self.penalties = generator, discriminator, kinds
        shared = {id(variable) for variable in discriminator.variables}
        self._memories = {
            name: [variable for variable in getattr(penalty, "variables", ()) if id(variable) not in shared]
            for name, penalty in kinds.items()
        }

    def state(self):
        """Weights, moving averages and seeds as they are in the models, with an Adam that has not begun."""
        state = {"generator": _network_state(self.generator), "discriminator": _network_state(self.discriminator)}
        state["penalties"] = {name: list(map(np.asarray, owned)) for name, owned in self._memories.items()}
        if "rescaled" in self.penalties:
            state["shadow"] = {name: state["generator"][name] for name in ("first", "second")}
        return state

    def __call__(self, state, images, latents, rate, moment_weight, kind):
        """Train one member.

        Args:
            state: as `Fleet` stacks it, without the axis of the members.
            images: float (batch, 28, 28, 1) in [-1, 1]; latents: float (batch, latent_dim).
            rate, moment_weight: float scalars.
            kind: integer scalar, which of the penalties.

        Returns:
            `(state, logs)`: the new state, and the four scalars that `GAN.train_step` returns.
        """
        ours, theirs = state["generator"], state["discriminator"]

        def generate(weights):
            return self.generator.stateless_call(weights, ours["others"], latents, training=True)

        def discriminate(weights):
            real_logits, others = self.discriminator.stateless_call(weights, theirs["others"], images, training=True)
            fake_logits, others = self.discriminator.stateless_call(weights, others, fake, training=True)
            return losses.discriminator_loss(real_logits, fake_logits), others

        def fool(fake):
            weights = updated["weights"]
            fake_logits, others = self.discriminator.stateless_call(weights, seen, fake, training=True)
            gaps = losses.moment_gaps(fake, images)
            judge = {"weights": weights, "others": others}
            penalise = functools.partial(self._penalise, kind, state["penalties"], judge)
            terms, memories, others = penalise(gaps, fake, images, ours["step"])
            return losses.generator_loss(fake_logits, terms, moment_weight), (gaps, others, memories)

        # The noise is shared and G does not change in between, so the same images serve both updates.
        fake, pull_back, averages = jax.vjp(generate, ours["weights"], has_aux=True)
        (discriminator_loss, seen), gradients = jax.value_and_grad(discriminate, has_aux=True)(theirs["weights"])
        updated = _adam(theirs, gradients, rate)
        (generator_loss, (gaps, others, memories)), pull = jax.value_and_grad(fool, has_aux=True)(fake)
        (gradients,) = pull_back(pull)
        moved = _adam(ours, gradients, rate)
        new = {
            "generator": {**moved, "others": averages},
            "discriminator": {**updated, "others": others},
            "penalties": memories,
        }
        if "rescaled" in self.penalties:
            by_mean, by_variance = losses.moment_gap_gradients(fake, images)
            (gradients,) = pull_back(pull + moment_weight * (by_mean + by_variance))
            shadow = _adam({**ours, **state["shadow"]}, gradients, rate)
            new["shadow"] = {name: shadow[name] for name in ("first", "second")}
            chosen = kind == list(self.penalties).index("rescaled")
            new["generator"]["weights"] = _rescaled(chosen, ours["weights"], moved["weights"], shadow["weights"])
        logs = {
            "discriminator_loss": discriminator_loss,
            "generator_loss": generator_loss,
            "mean_gap": gaps[0],
            "variance_gap": gaps[1],
        }
        return new, logs

    def _penalise(self, kind, memories, judge, gaps, fake, images, step):
        """Both terms of the member's penalty, what all penalties remember after it, and the judge's other variables."""
        values = [
            *zip(self.discriminator.trainable_variables, judge["weights"], strict=True),
            *zip(self.discriminator.non_trainable_variables, judge["others"], strict=True),
        ]

        def branch(name):
            owned = list(zip(self._memories[name], memories[name], strict=True))

            def call():
                with keras.StatelessScope(state_mapping=[*values, *owned]) as scope:
                    terms = self.penalties[name](gaps, fake, images, step=step)
                after = [scope.get_current_value(variable) for variable, _ in owned]
                others = [scope.get_current_value(v) for v in self.discriminator.non_trainable_variables]
                return [jnp.asarray(term, fake.dtype) for term in terms], {**memories, name: after}, others

            return call

        return jax.lax.switch(kind, [branch(name) for name in self.penalties])


def _penalties(names, seed, discriminator, images):
    return {name: penalties.build(name, seed, discriminator, lambda: images) for name in names}


def _rescaled(chosen, before, moved, shadow):
    """The weights after a move, stretched to the length of the shadow's where it is chosen: see `RescaledGAN`."""
    moves, wanted = (
        [after - start for after, start in zip(weights, before, strict=True)] for weights in (moved, shadow)
    )
    length = _norm(moves)
    ratio = jnp.where(length > 0, _norm(wanted) / jnp.where(length > 0, length, 1), 0)
    stretched = [start + ratio * move for start, move in zip(before, moves, strict=True)]
    return [jnp.where(chosen, one, other) for one, other in zip(stretched, moved, strict=True)]


def _norm(arrays):
    return jnp.sqrt(sum(jnp.sum(jnp.square(array)) for array in arrays))


def _adam(state, gradients, rate):
    """The weights and moments after one update (Kingma and Ba, 2015), with epsilon as Keras has it."""
    step = state["step"] + 1
    powers = [jnp.asarray(np.float32(beta), rate.dtype) ** step for beta in BETAS]
    size = rate * jnp.sqrt(1 - powers[1]) / (1 - powers[0])

    def update(weight, gradient, first, second):
        beta_1, beta_2 = (jnp.asarray(beta, weight.dtype) for beta in BETAS)
        first = first + (gradient - first) * (1 - beta_1)
        second = second + (jnp.square(gradient) - second) * (1 - beta_2)
        return weight - size * first / (jnp.sqrt(second) + EPSILON), first, second

    moved = map(update, state["weights"], gradients, state["first"], state["second"])
    weights, first, second = (list(column) for column in zip(*moved, strict=True))
    return {"weights": weights, "first": first, "second": second, "step": step}


def _network_state(network):
    weights = [np.asarray(variable) for variable in network.trainable_variables]
    return {
        "weights": weights,
        "others": [np.asarray(variable) for variable in network.non_trainable_variables],
        "first": [np.zeros_like(weight) for weight in weights],
        "second": [np.zeros_like(weight) for weight in weights],
        "step": np.zeros((), np.int32),
    }


def _seed_states(network):
    """Where dropout's random states stand among a network's other variables."""
    names = [variable.path for variable in network.non_trainable_variables]
    return [index for index, name in enumerate(names) if name.endswith("seed_generator_state")]
