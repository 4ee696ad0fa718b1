package main

import (
	"context"
	"fmt"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/decode"
	"github.com/tidemill/tidemill/pipeline/land"
	"github.com/tidemill/tidemill/project"
)

// loadProject reads the project folder for the chosen target.
func (a *app) loadProject() (*project.Project, error) {
	return project.Load(a.dir, project.Options{Target: a.target, Kinds: kinds()})
}

// openWarehouse opens the target's warehouse until the command ends.
func (a *app) openWarehouse(ctx context.Context, p *project.Project) (tidemill.Warehouse, error) {
	conn := p.Warehouse()
	wh, err := connectors[conn.Type].warehouse(ctx, conn.Config, a.env(p.Dir))
	if err != nil {
		return nil, err
	}
	a.closers = append(a.closers, wh)
	return wh, nil
}

// open loads the project and opens its warehouse.
func (a *app) open(ctx context.Context) (*project.Project, tidemill.Warehouse, error) {
	p, err := a.loadProject()
	if err != nil {
		return nil, nil, err
	}
	wh, err := a.openWarehouse(ctx, p)
	return p, wh, err
}

// openSource makes the source of a pipeline; the pipeline opens it.
func (a *app) openSource(p *project.Project, pl project.Pipeline) (tidemill.Source, error) {
	conn := p.Connection(pl.Source.Connection)
	c := connectors[conn.Type]
	if c.source == nil {
		return nil, &tidemill.Error{
			Code: tidemill.Invalid, Pos: pl.Pos, Op: "land", Pipeline: pl.Name,
			Err: fmt.Errorf("connection %q of type %s is no source", conn.Name, conn.Type),
		}
	}
	return c.source(conn.Config, pl, a.env(p.Dir)), nil
}

// landConfig joins the parts of a pipeline but its source.
func (a *app) landConfig(p *project.Project, wh tidemill.Warehouse, pl project.Pipeline) (land.Config, error) {
	decoders, err := decode.New(pl.Decode, p.Dir)
	if err != nil {
		return land.Config{}, err
	}
	return land.Config{Pipeline: pl, Warehouse: wh, Decoder: decoders, Log: a.log}, nil
}

// patience is how long a run that is to end tries a commit again that fails
// for a reason that may pass, such as a full disk. A run without end waits.
const patience = 15 * time.Second

// newLander joins a pipeline with its source.
func (a *app) newLander(p *project.Project, wh tidemill.Warehouse, pl project.Pipeline, mode land.Mode, progress func(land.Progress)) (*land.Lander, error) {
	cfg, err := a.landConfig(p, wh, pl)
	if err != nil {
		return nil, err
	}
	if cfg.Source, err = a.openSource(p, pl); err != nil {
		return nil, err
	}
	cfg.Mode, cfg.Progress = mode, progress
	if mode != land.Forever {
		cfg.Retry.Elapsed = patience
	}
	if limited, ok := cfg.Source.(interface{ MaxMessage() int }); ok {
		cfg.MaxMessage = limited.MaxMessage()
	}
	return land.New(cfg)
}
