"""Many runs at a time with JAX, for a GPU: the same networks, losses, hooks and records as `training`.

Optional: the extra `gpu`. From one seed JAX draws other weights and dropout than TensorFlow does, so pairs
are made within one engine; a record's provenance names it. A fleet does not go on where it was stopped:
what is recorded stays, the rest begins anew.
"""

import concurrent.futures
import functools
import multiprocessing
import os
import random
import time

import helpers  # noqa: F401  the backend that `STUDY_ENGINE` names
from helpers import classifier, data, losses, metrics
import jax
import jax.numpy as jnp
import keras
import numpy as np

from study import files, journal, machine, networks, penalties, records, rivals
from study.experiment import DEFAULT_DATA, TERMS
from study.schema import STEP_NAMES

PREDICTED = 500  # images that the generator makes in one batch for judging, as `training` does
MOST_WAITING = 600  # runs trained and not yet judged: each keeps 2.6 MB for each of its judgements
PRECISION = {"dense": "highest", "conv": "default"}
TOGETHER = {"dense": 256, "conv": 1}  # runs that one program trains: a batch of convolutions gains nothing


def run(planned, results, together=None, workers=None):
    """Train, judge and record what is not yet recorded of many experiments.

    Args:
        planned: experiments with the same kinds of judging that `training.run` knows, except frames
            within an epoch.
        results: folder of records.
        together: runs that one program trains at a time; without one, 256 dense ones, one of the others.
        workers: processes that judge; without one, as many as there are cores, but one.

    Raises:
        ValueError: an experiment that a fleet cannot train.
        OSError: the results folder cannot be written.
    """
    files.check_writable(results)
    missing = [experiment for experiment in planned if not experiment.folder(results).exists()]
    for experiment in missing:
        _check(experiment)
    groups = {}
    for experiment in missing:
        groups.setdefault(_program_key(experiment), []).append(experiment)
    waiting = []  # for their scores, while the next runs train
    with _judges(workers) as judges:
        for group in groups.values():
            dense = _is_dense(group[0])
            # A graph of convolutions is twice as fast with TensorFloat-32; dense layers gain nothing.
            jax.config.update("jax_default_matmul_precision", PRECISION["dense" if dense else "conv"])
            program, size = Program(group[0]), together or TOGETHER["dense" if dense else "conv"]
            for start in range(0, len(group), size):
                chunk = group[start : start + size]
                waiting += _train(program, chunk, judges)
                last = chunk[-1]
                print(f"{last.profile} {last.network} {last.arm}: {start + len(chunk)} of {len(group)}", flush=True)
                while waiting and (len(waiting) > MOST_WAITING or waiting[0].is_judged):
                    _write(results, waiting.pop(0))
        for log in waiting:  # in the order in which they are judged
            _write(results, log)


def _is_dense(experiment):
    return experiment.network.startswith("dense-") and experiment.network != "dense-g-conv-d"


def _check(experiment):
    within = experiment.frames_per_epoch > 1 or experiment.frame_images
    stateful = experiment.penalty in ("early", "late", "rescaled", "placebo", "dataset", "averaged", "features")
    if stateful or within or experiment.data != DEFAULT_DATA:
        raise ValueError(
            f"Run {experiment.name}: expected digits, a penalty without a state of its own and no frames within an "
            f"epoch, found {experiment.penalty} and profile {experiment.profile}. Mend it with --engine tensorflow."
        )


def _program_key(experiment):
    """What is compiled in; all else are numbers that the compiled program takes."""
    penalty = "terms" if experiment.penalty in TERMS else experiment.penalty
    sizes = experiment.profile, experiment.epochs, experiment.batch_size, experiment.train_images
    return experiment.network, experiment.regularizer, experiment.beta_1, penalty, sizes


class Program:
    """One compiled training program, for experiments that differ in numbers alone.

    Args:
        experiment: one of them.
    """

    def __init__(self, experiment):
        self.experiment = experiment
        self.generator, self.discriminator = networks.build(
            experiment.network, random.Random(experiment.seed), experiment.regularizer
        )
        self.penalty = penalties.build(experiment, self.discriminator, data.load_mnist)
        self.optimizers = [
            keras.optimizers.Adam(experiment.learning_rate, beta_1=experiment.beta_1, beta_2=0.999, epsilon=1e-8)
            for _ in range(2)
        ]
        for optimizer, network in zip(self.optimizers, (self.generator, self.discriminator), strict=True):
            optimizer.build(network.trainable_variables)
        self.reader = classifier.load_classifier()  # before anything is traced
        self.pixels = jnp.asarray(data.load_mnist().train_images[: experiment.train_images])
        self.epoch = jax.jit(self._epoch, donate_argnums=0)
        self.generate = jax.jit(self._generate)
        self.read = jax.jit(self._read)

    def start(self, experiment):
        """The untrained state of an experiment: a dict of lists of arrays."""
        return _untrained(experiment.network, experiment.seed, experiment.regularizer) | {
            "generator_optimizer": self._optimizer_state(0, experiment.learning_rate),
            "discriminator_optimizer": self._optimizer_state(
                1, experiment.discriminator_rate or experiment.learning_rate
            ),
        }

    def _optimizer_state(self, index, rate):
        optimizer = self.optimizers[index]
        values = [jnp.zeros_like(variable.value) for variable in optimizer.variables]
        place = [variable.path for variable in optimizer.variables].index(optimizer._learning_rate.path)
        values[place] = jnp.float32(rate)
        return values

    def new_epoch(self, state, experiments, epoch):
        """Give dropout the noise of (seed, epoch), as `training` does."""
        draws = jnp.asarray(np.array([data.dropout_state(run.seed, epoch) for run in experiments]))
        for name, network in (("generator_other", self.generator), ("discriminator_other", self.discriminator)):
            dropouts = [layer for layer in network.layers if isinstance(layer, keras.layers.Dropout)]
            held = {id(layer.seed_generator.state) for layer in dropouts}
            for index, variable in enumerate(network.non_trainable_variables):
                if id(variable) in held:
                    state[name][index] = draws
        return state

    def _epoch(self, state, numbers, order, latents):
        """All steps of an epoch of all runs. `order` (steps, seeds, batch), `latents` (steps, seeds, batch, 100)."""

        def step(state, drawn):
            images = self.pixels[drawn[0]][numbers["which"]]
            return jax.vmap(self._step)(state, numbers, images, drawn[1][numbers["which"]])

        return jax.lax.scan(step, state, (order, latents))

    def _step(self, state, numbers, images, latents):
        """One step of one run, as `helpers.gan.GAN.train_step` takes it."""

        def generate(weights):
            return self.generator.stateless_call(weights, state["generator_other"], latents, training=True)

        fake, back, generator_other = jax.vjp(generate, state["generator"], has_aux=True)
        discriminator, other, optimizer, loss = self._update_discriminator(state, numbers, images, fake)

        def generator_loss(fake):
            with self._scope(discriminator, other) as scope:
                logits = self.discriminator(fake, training=True)
                gaps = losses.moment_gaps(fake, images)
                terms = self._terms(gaps, fake, images, numbers, state["generator_optimizer"][0])
                paid = losses.generator_loss(logits, terms, 1.0, rivals.adversarial_weight(self.experiment.penalty))
                return paid, (gaps, self._others(scope))

        (paid, (gaps, other)), pull = jax.value_and_grad(generator_loss, has_aux=True)(fake)
        generator, generator_optimizer = self.optimizers[0].stateless_apply(
            state["generator_optimizer"], back(pull)[0], state["generator"]
        )
        return {
            "generator": generator,
            "generator_other": generator_other,
            "discriminator": discriminator,
            "discriminator_other": other,
            "generator_optimizer": generator_optimizer,
            "discriminator_optimizer": optimizer,
        }, jnp.stack([loss, paid, *gaps])

    def _terms(self, gaps, fake, images, numbers, step):
        if self.experiment.penalty in TERMS:
            return numbers["weights"][0] * gaps[0], numbers["weights"][1] * gaps[1]
        return tuple(numbers["weights"][0] * term for term in self.penalty(gaps, fake, images, step=step))

    def _update_discriminator(self, state, numbers, images, fake):
        def discriminator_loss(weights):
            with self._scope(weights, state["discriminator_other"]) as scope:
                logits = self.discriminator(images, training=True), self.discriminator(fake, training=True)
                loss = losses.discriminator_loss(*logits)
                regularizer = rivals.regularizer(self.experiment.regularizer, numbers["regularizer_weight"])
                if regularizer:
                    loss += regularizer(self.discriminator, images, fake)
                return loss, self._others(scope)

        (loss, other), gradients = jax.value_and_grad(discriminator_loss, has_aux=True)(state["discriminator"])
        weights, optimizer = self.optimizers[1].stateless_apply(
            state["discriminator_optimizer"], gradients, state["discriminator"]
        )
        return weights, other, optimizer, loss

    def _scope(self, weights, others):
        """In it, the discriminator has these values."""
        network = self.discriminator
        pairs = [*zip(network.trainable_variables, weights, strict=True)]
        return keras.StatelessScope([*pairs, *zip(network.non_trainable_variables, others, strict=True)])

    def _others(self, scope):
        return [scope.get_current_value(variable) for variable in self.discriminator.non_trainable_variables]

    def _generate(self, state, latents):
        """Images (runs, n, 28, 28, 1) from latents (n, 100), in inference mode."""

        return jax.lax.map(lambda run: self._images(*run, latents), (state["generator"], state["generator_other"]))

    def _images(self, weights, others, latents):
        parts = latents.reshape(-1, min(PREDICTED, len(latents)), latents.shape[1])
        return jnp.concatenate(
            [self.generator.stateless_call(weights, others, part, training=False)[0] for part in parts]
        )

    def _read(self, state, latents, which):
        """What the classifier reads on the images of each run, and their spread: labels, features, variances."""
        trained, others = self.reader.trainable_variables, self.reader.non_trainable_variables
        read = [variable.value for variable in trained], [variable.value for variable in others]

        def of_one(run):
            images = self._images(*run[:2], latents[run[2]])
            (logits, features), _ = self.reader.stateless_call(*read, images, training=False)
            return jnp.argmax(logits, axis=1), features, jnp.var(images, axis=0, ddof=1).sum()

        return jax.lax.map(of_one, (state["generator"], state["generator_other"], which))


@functools.lru_cache(maxsize=16)
def _untrained(network, seed, regularizer):
    """Weights and other variables of both networks, as a seed draws them."""
    pair = networks.build(network, random.Random(seed), regularizer)
    state = {}
    for name, model in zip(("generator", "discriminator"), pair, strict=True):
        state[name] = [variable.value for variable in model.trainable_variables]
        state[f"{name}_other"] = [variable.value for variable in model.non_trainable_variables]
    return state


def _numbers(experiments, seeds):
    """What differs between the runs of a program."""

    def weights(run):
        mean, variance = run.moment_weight, run.variance_weight or run.moment_weight
        return {"mean": (mean, 0.0), "variance": (0.0, mean)}.get(run.penalty, (mean, variance))

    return {
        "weights": jnp.asarray(np.array([weights(run) for run in experiments], np.float32)),
        "regularizer_weight": jnp.asarray(np.array([run.regularizer_weight or 0.0 for run in experiments], np.float32)),
        "which": jnp.asarray(np.array([seeds.index(run.seed) for run in experiments], np.int32)),
    }


def _train(program, experiments, judges):
    """Train some runs together; return what was logged of each: a list of epochs, with scores to come."""
    one = experiments[0]
    seeds = sorted({run.seed for run in experiments})
    starts = [program.start(run) for run in experiments]
    state = jax.tree.map(lambda *values: jnp.stack(values), *starts)
    numbers = _numbers(experiments, seeds)
    judged = jnp.asarray(np.array([data.draw_latents(one.judged_images, data.JUDGED_LATENTS, seed) for seed in seeds]))
    grid = jnp.asarray(data.fixed_latents(one.grid_images))
    logs = [_Log(run) for run in experiments]
    if 0 in one.frame_steps:
        _keep_frames(logs, np.asarray(program.generate(state, grid)), 0)
    plans = _plans(one, seeds)
    for epoch in range(one.epochs):
        clock = time.perf_counter()
        state = program.new_epoch(state, experiments, epoch)
        state, steps = program.epoch(state, numbers, *next(plans))
        steps = np.asarray(steps)[one.steps_per_execution - 1 :: one.steps_per_execution]
        seconds = (time.perf_counter() - clock) / len(experiments)
        for index, log in enumerate(logs):
            log.add_epoch(steps[:, index], seconds)
        if (epoch + 1) * one.steps_per_epoch in one.frame_steps:
            _keep_frames(logs, np.asarray(program.generate(state, grid)), epoch + 1)
        if one.is_judged(epoch + 1):
            for log, *read in zip(logs, *map(np.asarray, program.read(state, judged, numbers["which"])), strict=True):
                log.judge(judges, *read)
    return logs


def _plans(experiment, seeds):
    """Order and noise of each epoch, steps first; the next epoch's are drawn while this one trains."""
    draw = functools.partial(_plan, experiment.train_images, experiment.batch_size, tuple(seeds))
    with concurrent.futures.ThreadPoolExecutor(1) as drawer:
        coming = drawer.submit(draw, 0)
        for epoch in range(experiment.epochs):
            plan = coming.result()
            if epoch + 1 < experiment.epochs:
                coming = drawer.submit(draw, epoch + 1)
            yield plan


@functools.lru_cache(maxsize=16)  # the runs of a seed share them
def _plan(train_images, batch_size, seeds, epoch):
    drawn = [data.plan_epoch(train_images, batch_size, seed, epoch) for seed in seeds]
    steps = (train_images // batch_size, batch_size)
    order = np.stack([order.reshape(steps) for order, _ in drawn], axis=1)
    return jnp.asarray(order), jnp.asarray(np.stack([latents.reshape(*steps, -1) for _, latents in drawn], axis=1))


def _keep_frames(logs, images, epoch):
    for log, samples in zip(logs, images, strict=True):
        log.add_frame(samples, epoch)


class _Log:
    """What was seen of one run: its epochs, and the scores that are still being computed."""

    def __init__(self, experiment):
        self.experiment, self.epochs, self.scores, self.first = experiment, [], {}, journal.Epoch(experiment, 0)
        self.started = journal.now()

    @property
    def is_judged(self):
        """Whether all scores are there."""
        return all(score.done() for score in self.scores.values())

    @property
    def failed(self):
        """Why the run has failed, or nothing."""
        return self.epochs[-1].failed if self.epochs else ""

    def add_epoch(self, steps, seconds):
        """Log the steps (looks, 4) of an epoch, until one is not finite."""
        if self.failed:
            return
        epoch = self.first if not self.epochs else journal.Epoch(self.experiment, len(self.epochs))
        self.epochs.append(epoch)
        epoch.row["seconds"] = seconds
        for values in steps:
            epoch.add_step(dict(zip(STEP_NAMES, values, strict=True)))
            if epoch.failed:
                return

    def add_frame(self, samples, epoch):
        """Keep a grid of samples before training, or after the last epoch."""
        if not self.failed:
            (self.epochs[-1] if epoch else self.first).add_frame(samples, samples[:0])

    def judge(self, judges, labels, features, variance):
        """Have what the classifier read on the generated images scored."""
        if not self.failed and not (np.isfinite(features).all() and np.isfinite(variance)):
            self.epochs[-1].check(np.array([np.nan]))
        if not self.failed:
            self.scores[len(self.epochs) - 1] = judges.submit(_score, labels, features, float(variance))

    def record(self):
        """The `records.Record`, when all scores are there."""
        for index, score in self.scores.items():
            self.epochs[index].row |= score.result()
        parts = [epoch.contents(epoch.row["seconds"]) for epoch in self.epochs]
        precision = PRECISION["dense" if _is_dense(self.experiment) else "conv"]
        provenance = {**machine.provenance(), "precision": precision, "started": self.started}
        return journal.assemble(self.experiment, *map(list, zip(*parts, strict=True)), provenance)


def _write(results, log):
    """Write the record of a run, when all its scores are there."""
    folder = log.experiment.folder(results)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with files.only_writer(folder):
        if not folder.exists():
            records.write(folder, log.record())


def _score(labels, features, variance):
    """All metrics of a record, from what the classifier read: see `datasets.score`."""
    spread = variance / metrics.training_spread()
    return {**metrics.judge_reading(labels, features.astype(np.float64)), metrics.RATIO: float(spread)}


def _judges(workers):
    """Processes that compute metrics on the CPU while the GPU trains."""
    jax.devices()  # taken by this process, before the others are told to do without
    os.environ |= {"JAX_PLATFORMS": "cpu", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    context = multiprocessing.get_context("spawn")
    return concurrent.futures.ProcessPoolExecutor(workers or max(1, machine.cores() - 1), context)
